//! A model's tensors, read from its mapped file as f32.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device};

use crate::embed::architecture::first_line;
use crate::embed::error::EmbedError;

/// The file, mapped into memory.
pub(super) struct Tensors {
    file: Arc<MmapedSafetensors>,
    path: PathBuf,
    /// What stands before every name: checkpoints saved with a head have the family's name there.
    prefix: String,
}

impl Tensors {
    /// Maps the file at `path`; `families` are prefixes it may have.
    #[expect(unsafe_code, reason = "mapping a file is unsafe by nature")]
    pub(super) fn open(path: &Path, families: &[&str]) -> Result<Self, EmbedError> {
        // SAFETY: the mapping is sound while nobody changes the file. It got this name by a rename
        // after it was complete and checked, and nothing in this program writes to it again.
        let opened = unsafe { MmapedSafetensors::new(path) };
        let file = opened.map_err(|error| EmbedError::Weights {
            path: path.to_owned(),
            problem: first_line(&error),
        })?;
        let prefixed = |family: &&&str| {
            file.get(&format!("{family}.embeddings.word_embeddings.weight")).is_ok()
        };
        let prefix = families.iter().find(prefixed).map(|family| format!("{family}."));
        let prefix = prefix.unwrap_or_default();
        Ok(Self { path: path.to_owned(), prefix, file: Arc::new(file) })
    }

    /// The tensor `name`, which must have `shape` and finite numbers.
    pub(super) fn read(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EmbedError> {
        let refuse = |problem: String| EmbedError::Weights { path: self.path.clone(), problem };
        let name = format!("{}{name}", self.prefix);
        let load = || {
            let tensor = self.file.load(&name, &Device::Cpu)?;
            if tensor.dims() != shape {
                candle_core::bail!("{name} is {:?}, not {shape:?}", tensor.dims());
            }
            tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()
        };
        let numbers: Vec<f32> = load().map_err(|error| refuse(first_line(&error)))?;
        if numbers.iter().any(|x| !x.is_finite()) {
            return Err(refuse(format!("{name} holds numbers that are not finite")));
        }
        Ok(numbers)
    }

    /// The first row, `width` long, of the matrix `name`.
    pub(super) fn first_row(&self, name: &str, width: usize) -> Result<Vec<f32>, EmbedError> {
        let view = self.file.get(&format!("{}{name}", self.prefix)).ok();
        let rows = view.and_then(|view| view.shape().first().copied()).unwrap_or(1);
        let mut all = self.read(name, &[rows, width])?;
        all.truncate(width);
        Ok(all)
    }

    /// The rows of the matrix `name`, left in the file until they are wanted.
    pub(super) fn table(&self, name: &str, rows: usize, width: usize) -> Result<Table, EmbedError> {
        let name = format!("{}{name}", self.prefix);
        let refuse = |problem: String| EmbedError::Weights { path: self.path.clone(), problem };
        let view = self.file.get(&name).map_err(|error| refuse(first_line(&error)))?;
        if view.shape() != [rows, width] {
            return Err(refuse(format!("{name} is {:?}, not {:?}", view.shape(), [rows, width])));
        }
        let number = match DType::try_from(view.dtype()) {
            Ok(DType::F32) => Stored::F32,
            Ok(DType::F16) => Stored::F16,
            Ok(DType::BF16) => Stored::Bf16,
            _ => {
                return Err(refuse(format!(
                    "{name} is {:?}; f32, f16 or bf16 is needed",
                    view.dtype()
                )));
            }
        };
        Ok(Table { file: Arc::clone(&self.file), name, width, number })
    }
}

enum Stored {
    F32,
    F16,
    Bf16,
}

/// A matrix of which rows are read from the mapped file.
pub(super) struct Table {
    file: Arc<MmapedSafetensors>,
    name: String,
    width: usize,
    number: Stored,
}

impl Table {
    /// Writes each of `rows` to `to`, one after another.
    pub(super) fn rows(&self, rows: &[u32], to: &mut [f32]) {
        let view = self.file.get(&self.name).expect("it was there when the table was made");
        let data = view.data();
        for (&row, to) in rows.iter().zip(to.chunks_exact_mut(self.width)) {
            let (at, wide) = (row as usize * self.width, self.width);
            match self.number {
                Stored::F32 => {
                    let bytes = data[4 * at..4 * (at + wide)].as_chunks().0;
                    to.iter_mut().zip(bytes).for_each(|(x, &b)| *x = f32::from_le_bytes(b));
                }
                Stored::F16 | Stored::Bf16 => {
                    let bytes = data[2 * at..2 * (at + wide)].as_chunks().0;
                    let wide = |b: [u8; 2]| match self.number {
                        Stored::F16 => half::f16::from_le_bytes(b).to_f32(),
                        _ => half::bf16::from_le_bytes(b).to_f32(),
                    };
                    to.iter_mut().zip(bytes).for_each(|(x, &b)| *x = wide(b));
                }
            }
        }
    }
}
