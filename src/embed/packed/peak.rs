//! How fast the matrix product can be here: the kernels on operands that never leave the first
//! cache.

use std::time::{Duration, Instant};

use super::kernels::Kernels;
use super::panels::{Number, Panels};
use super::product::Product;

/// Operations a second (a multiply-add is two) of one thread, the best of rounds within `time`.
pub(super) fn product(kernels: &Kernels, time: Duration) -> f64 {
    const DEPTH: usize = 384;
    const ROWS: usize = 12;
    let columns = kernels.width;
    let panels = Panels::pack(
        &vec![0.5; columns * DEPTH],
        &vec![0.0; columns],
        &vec![1.0; DEPTH],
        kernels.number,
        columns,
    );
    let operand = vec![0_u32; ROWS * panels.depth_words()];
    let steps =
        vec![[0.0; 2]; if kernels.number == Number::Int8 { ROWS * panels.groups() } else { 0 }];
    let mut out = vec![0.0; ROWS * columns];
    let mut round = |times: usize| {
        let start = Instant::now();
        for _ in 0..times {
            let out = std::hint::black_box(&mut out);
            kernels.set(Product {
                operand: &operand,
                steps: &steps,
                panels: &panels,
                columns: 0..columns,
                rows: ROWS,
                out,
                out_stride: columns,
            });
        }
        (2 * ROWS * columns * DEPTH * times) as f64 / start.elapsed().as_secs_f64()
    };
    let start = Instant::now();
    let mut best = 0.0_f64;
    while best == 0.0 || start.elapsed() < time {
        best = best.max(round(2000));
    }
    best
}
