//! Single-byte encodings as which UTF-8 is read by mistake: from a character back to its byte.

use std::sync::LazyLock;

use encoding_rs::{
    Encoding, ISO_8859_2, MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
    WINDOWS_1254, WINDOWS_1257,
};

/// The code pages, most frequent first: ties go to the earlier. Windows-1252 holds Latin-1 as well.
/// Bytes that a page leaves open stand for the control characters of their number.
pub(super) const PAGES: usize = 9;
static ENCODINGS: [&Encoding; PAGES - 1] = [
    WINDOWS_1252,
    WINDOWS_1251,
    WINDOWS_1250,
    MACINTOSH,
    ISO_8859_2,
    WINDOWS_1254,
    WINDOWS_1257,
    WINDOWS_1253,
];
/// Code page 437 from byte 0x80 on, which the web's standard lacks.
const CODE_PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// What a character is in every code page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes {
    /// Its byte in each page; 0 where the page lacks it.
    pub(super) of_page: [u8; PAGES],
    /// The pages in which that byte begins a sequence of UTF-8, one bit each.
    pub(super) leads: u16,
    /// The pages in which it continues one.
    pub(super) continues: u16,
}

impl Bytes {
    /// A character that no page has.
    pub(super) const NONE: Self = Self { of_page: [0; PAGES], leads: 0, continues: 0 };
    /// A character of which every page has lost the byte.
    pub(super) const LOST: Self = Self { continues: u16::MAX, ..Self::NONE };

    /// The same `byte` in every page.
    pub(super) fn everywhere(byte: u8) -> Self {
        let mut bytes = Self::NONE;
        (0..PAGES).for_each(|page| bytes.set(page, byte));
        bytes
    }

    fn set(&mut self, page: usize, byte: u8) {
        if let Some(slot) = self.of_page.get_mut(page) {
            *slot = byte;
            self.leads |= u16::from((0xc2..=0xf4).contains(&byte)) << page;
            self.continues |= u16::from((0x80..=0xbf).contains(&byte)) << page;
        }
    }
}

/// The byte of `c` in every code page.
pub(super) fn bytes(c: char) -> Bytes {
    let code = u32::from(c) as usize;
    // Bytes 0x80 to 0xff of every page lie in these blocks.
    let index = match code {
        0x80..LATIN_END => code - 0x80,
        0x2000..SYMBOLS_END => code - 0x2000 + LATIN_END - 0x80,
        0xfffd => return Bytes::LOST,
        _ => return Bytes::NONE,
    };
    TABLE.get(index).copied().unwrap_or(Bytes::NONE)
}

const LATIN_END: usize = 0x500;
const SYMBOLS_END: usize = 0x2600;

static TABLE: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
    let mut table = vec![Bytes::NONE; LATIN_END - 0x80 + SYMBOLS_END - 0x2000];
    for byte in 0x80..=0xff_u8 {
        // Latin-1 has controls where Windows-1252 has quotes.
        set(&mut table, Some(char::from(byte)), 0, byte);
        for (page, encoding) in ENCODINGS.iter().enumerate() {
            let byte_text = [byte];
            let (decoded, _) = encoding.decode_without_bom_handling(&byte_text);
            set(&mut table, decoded.chars().next(), page, byte);
        }
        set(&mut table, CODE_PAGE_437.chars().nth(usize::from(byte) - 0x80), PAGES - 1, byte);
    }
    table
});

fn set(table: &mut [Bytes], c: Option<char>, page: usize, byte: u8) {
    let code = c.map_or(0, u32::from) as usize;
    let index = match code {
        0x80..LATIN_END => code - 0x80,
        0x2000..SYMBOLS_END => code - 0x2000 + LATIN_END - 0x80,
        _ => return,
    };
    if let Some(row) = table.get_mut(index) {
        row.set(page, byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_their_bytes() {
        assert_eq!(CODE_PAGE_437.chars().count(), 128);
        assert_eq!(bytes('Ã').of_page, [0xc3, 0, 0, 0xcc, 0, 0xc3, 0, 0, 0]);
        assert_eq!((bytes('Ã').leads, bytes('Ã').continues), (0b10_1001, 0));
        assert_eq!(bytes('€').of_page[..3], [0x80, 0x88, 0x80]);
        assert_eq!(bytes('\u{9d}').of_page, [0x9d, 0, 0, 0, 0x9d, 0x9d, 0, 0x9d, 0]);
        assert_eq!((bytes('├').of_page[8], bytes('├').leads), (0xc3, 1 << 8));
        assert_eq!((bytes('a'), bytes('漢')), (Bytes::NONE, Bytes::NONE));
    }
}
