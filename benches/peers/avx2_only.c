/* Lets a program believe that the processor's vectors end at AVX2, so that engines that pick their kernels by
 * CPUID and have no setting for it can be compared on the same instructions.
 *
 *     cc -O2 -shared -fPIC -o avx2_only.so avx2_only.c && LD_PRELOAD=./avx2_only.so PROGRAM
 *
 * The kernel can make CPUID fault (arch_prctl(2), ARCH_SET_CPUID; `cpuid_fault` in /proc/cpuinfo). The fault
 * is answered with the processor's own words, less the bits of AVX-512, AVX-VNNI and AMX (Intel SDM, volume
 * 2A, CPUID leaf 7). New threads inherit the setting; a new program image does not, LD_PRELOAD is for that.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012

/* AVX512 F DQ IFMA PF ER CD BW VL; VBMI VBMI2 VNNI BITALG VPOPCNTDQ; 4VNNIW 4FMAPS VP2INTERSECT FP16, AMX. */
static const unsigned LEAF_7_EBX = 0xDC230000u, LEAF_7_ECX = 0x00005842u, LEAF_7_EDX = 0x03C0010Cu;
/* AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA; AVX-VNNI-INT8, NE-CONVERT, VNNI-INT16, AVX10. */
static const unsigned LEAF_7_1_EAX = 0x00A00030u, LEAF_7_1_EDX = 0x00080430u;

static void answer(int signal_number, siginfo_t *info, void *context) {
  (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *at = (const unsigned char *)registers[REG_RIP];
  if (at[0] != 0x0F || at[1] != 0xA2) { /* a fault of another kind takes its usual course */
    signal(signal_number, SIG_DFL);
    return;
  }
  unsigned leaf = (unsigned)registers[REG_RAX], part = (unsigned)registers[REG_RCX];
  unsigned a, b, c, d;
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1UL);
  __cpuid_count(leaf, part, a, b, c, d);
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0UL);
  if (leaf == 7 && part == 0) {
    b &= ~LEAF_7_EBX;
    c &= ~LEAF_7_ECX;
    d &= ~LEAF_7_EDX;
  } else if (leaf == 7 && part == 1) {
    a &= ~LEAF_7_1_EAX;
    d &= ~LEAF_7_1_EDX;
  }
  registers[REG_RAX] = a;
  registers[REG_RBX] = b;
  registers[REG_RCX] = c;
  registers[REG_RDX] = d;
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  if (sigaction(SIGSEGV, &action, NULL) != 0 || syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0UL) != 0) {
    perror("avx2_only: this processor or kernel cannot hide its instructions");
    exit(1);
  }
}
