//! Pixels as a PNG.
//!
//! *Source:* Portable Network Graphics (Third Edition), W3C. The few chunks that a picture in true
//! colours needs are written here: the `png` crate would bring a second copy of its compressor.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// How every PNG begins.
pub(super) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];
/// The filter *up*: each byte less the one above it. Most rows of a plot are as the one above.
const UP: u8 = 2;

/// Eight bits a colour: red, green and blue of each pixel, row by row. `None` where `rgb` holds
/// another number of pixels.
pub(super) fn encode(width: u32, height: u32, rgb: &[u8]) -> Option<Vec<u8>> {
    let row_bytes = 3 * width as usize;
    if row_bytes == 0 || rgb.len() != row_bytes * height as usize {
        return None;
    }
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    let mut above = vec![0; row_bytes];
    for row in rgb.chunks_exact(row_bytes) {
        let mut filtered = vec![UP];
        filtered.extend(row.iter().zip(&above).map(|(byte, above)| byte.wrapping_sub(*above)));
        zlib.write_all(&filtered).ok()?;
        above.copy_from_slice(row);
    }
    let mut header = Vec::with_capacity(13);
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    // Bits a colour, true colours, and the only compression, filters and order without interlacing.
    header.extend([8, 2, 0, 0, 0]);
    let mut bytes = SIGNATURE.to_vec();
    chunk(&mut bytes, *b"IHDR", &header);
    chunk(&mut bytes, *b"IDAT", &zlib.finish().ok()?);
    chunk(&mut bytes, *b"IEND", &[]);
    Some(bytes)
}

fn chunk(bytes: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let mut sum = Crc::new();
    sum.update(&name);
    sum.update(data);
    bytes.extend((data.len() as u32).to_be_bytes());
    bytes.extend(name);
    bytes.extend(data);
    bytes.extend(sum.sum().to_be_bytes());
}
