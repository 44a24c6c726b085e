//! Where a model runs, and what it can do there.

use std::panic;

use candle_core::{DType, Device, Error};

use super::DeviceKind;
use super::architecture::first_line;
use super::error::EmbedError;

/// Opens the device of `kind`.
pub(super) fn open(kind: DeviceKind) -> Result<Device, EmbedError> {
    match kind {
        DeviceKind::Cpu => Ok(Device::Cpu),
        DeviceKind::Cuda => {
            cuda().map_err(|problem| EmbedError::Device { device: "cuda", problem })
        }
    }
}

/// The name of `device` in messages.
pub(super) fn name(device: &Device) -> &'static str {
    if device.is_cpu() { "cpu" } else { "cuda" }
}

/// Whether `device` computes in `dtype`: on CPUs, candle has no product of bf16 matrices.
pub(super) fn supports(device: &Device, dtype: DType) -> bool {
    match dtype {
        DType::F32 | DType::F16 => true,
        DType::BF16 => !device.is_cpu(),
        _ => false,
    }
}

/// The tokens of a batch that suit `device`: a CPU likes what fits its caches, a GPU many rows.
pub(super) fn batch_tokens(device: &Device) -> usize {
    if device.is_cpu() { 2048 } else { 16_384 }
}

/// The first NVIDIA GPU. Its libraries are loaded now, by code that panics where one is missing;
/// that must neither end the program nor be printed as a fault of it.
fn cuda() -> Result<Device, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let opened = panic::catch_unwind(|| Device::new_cuda(0));
    panic::set_hook(hook);
    match opened {
        Ok(device) => device.map_err(|error| first_line(&error)),
        Err(panic) => Err(missing(panic.downcast_ref::<String>().map_or("", String::as_str))),
    }
}

/// What the panic about a library says, without the thirty file names that it lists.
fn missing(panic: &str) -> String {
    if let Some((symbol, _)) = panic.strip_prefix("Missing symbol ").and_then(|s| s.split_once(':'))
    {
        return format!("the NVIDIA driver or CUDA is too old: it has no {symbol}");
    }
    match panic.split('"').nth(1) {
        Some(name) => format!("there is no lib{name}; install the NVIDIA driver and CUDA"),
        None => "the CUDA libraries cannot be loaded".to_owned(),
    }
}

/// Whether the GPU is what failed: its memory is full, say, or its driver too old for our kernels.
pub(super) fn failed(error: &Error) -> bool {
    match error {
        Error::Cuda(_) => true,
        Error::Context { inner, .. }
        | Error::WithPath { inner, .. }
        | Error::WithBacktrace { inner, .. } => failed(inner),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_named_in_a_few_words() {
        let panic = "Unable to dynamically load the \"curand\" shared library - searched for \
                     library names: [\"libcurand.so\", \"libcurand64.so\"].";
        assert_eq!(missing(panic), "there is no libcurand; install the NVIDIA driver and CUDA");
        let panic = "Missing symbol cuInit: libcuda.so: undefined symbol: cuInit";
        assert_eq!(missing(panic), "the NVIDIA driver or CUDA is too old: it has no cuInit");
        assert_eq!(missing("out of luck"), "the CUDA libraries cannot be loaded");
    }

    #[test]
    fn a_fault_of_the_gpu_is_told_from_one_of_the_files() {
        let full = || Error::Cuda("out of memory".into());
        assert!(failed(&full()));
        assert!(failed(&full().with_path("model.safetensors").context("loading")));
        assert!(!failed(&Error::msg("no tensor of that name").with_path("model.safetensors")));
    }

    #[test]
    fn a_device_that_cannot_be_opened_is_one_line() {
        if let Err(error) = open(DeviceKind::Cuda) {
            let line = error.to_string();
            assert!(line.starts_with("the device cuda is not usable: "), "{line}");
            assert!(line.ends_with("; set embedding.device to \"cpu\""), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }
}
