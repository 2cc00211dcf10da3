//! The bytes of a pickle, taken from the front.

/// A pickle, and how far it was read.
#[derive(Clone, Copy, Default)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Bytes { all, at: 0 }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.all.len());
        let end = end.ok_or(TRUNCATED)?;
        let taken = &self.all[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| damaged())
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Bytes after their count, which has this width.
    pub(super) fn counted(&mut self, width: usize) -> Result<&'a [u8], String> {
        let mut count = [0; 8];
        count[..width].copy_from_slice(self.take(width)?);
        let count = usize::try_from(u64::from_le_bytes(count)).map_err(|_| TRUNCATED)?;
        self.take(count)
    }

    pub(super) fn text(&mut self, width: usize) -> Result<&'a str, String> {
        utf8(self.counted(width)?)
    }

    /// What stands before the next end of a line.
    pub(super) fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.all[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or(TRUNCATED)?;
        let line = self.take(length)?;
        self.byte()?;
        utf8(line)
    }
}

const TRUNCATED: &str = "the pickle ends in the middle: the file is truncated";

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a text in its pickle is not UTF-8".to_owned())
}

pub(super) fn damaged() -> String {
    "the pickle is damaged".to_owned()
}
