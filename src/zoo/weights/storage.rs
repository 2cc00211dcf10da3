//! From storages' bytes to tensors.

use std::borrow::Cow;
use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::contents::{Loaded, Wanted};
use super::pickle::{Described, Element, Numbers};
use crate::error::{first_line, short};
use crate::limits::position;

/// The tensors wanted of a file, made one storage at a time.
pub(super) struct Tensors<'t, 'a> {
    tensors: &'t [Described<'a>],
    wanted: &'t Wanted,
    /// Those that have numbers in each storage, by its key.
    users: BTreeMap<&'a str, Vec<usize>>,
    loaded: Loaded,
    budget: Budget,
    /// Whether the machine that wrote the file had the high byte first.
    pub(super) big_endian: bool,
}

impl<'t, 'a> Tensors<'t, 'a> {
    /// Makes at once those whose numbers lie in the pickle itself.
    pub(super) fn new(
        tensors: &'t [Described<'a>],
        wanted: &'t Wanted,
        file_length: u64,
    ) -> Result<Self, String> {
        let mut this = Tensors {
            tensors,
            wanted,
            users: BTreeMap::new(),
            loaded: Loaded::new(),
            budget: Budget::of(file_length),
            big_endian: false,
        };
        for &id in wanted.keys() {
            match &tensors[id].numbers {
                Numbers::Storage(key) => this.users.entry(key).or_default().push(id),
                Numbers::Here(bytes) => this.cut(id, &mut Flat::new((*bytes).into()))?,
                Numbers::Latin1(text) => {
                    this.budget.spend(text.len())?;
                    let bytes = text.chars().map(|c| u8::try_from(u32::from(c)));
                    let bytes: Result<Vec<u8>, _> = bytes.collect();
                    let bytes = bytes.map_err(|_| "an array's bytes are damaged")?;
                    this.cut(id, &mut Flat::new(bytes.into()))?;
                }
                Numbers::Nowhere(what) => {
                    return Err(format!(
                        "`{}` is {what}, which can't be read. Save the network with plain \
                         tensors: `torch.save(model.state_dict(), path)`.",
                        short(&wanted[&id])
                    ));
                }
            }
        }
        Ok(this)
    }

    /// The keys of the storages that are still to come.
    pub(super) fn keys(&self) -> Vec<&'a str> {
        self.users.keys().copied().collect()
    }

    pub(super) fn wants(&self, key: &str) -> bool {
        self.users.contains_key(key)
    }

    /// Cuts all tensors out of a storage.
    pub(super) fn storage(&mut self, key: &str, bytes: &[u8]) -> Result<(), String> {
        let mut flat = Flat::new(bytes.into());
        for id in self.users.remove(key).unwrap_or_default() {
            self.cut(id, &mut flat)?;
        }
        Ok(())
    }

    /// Cuts a tensor out of its storage. Sizes are checked before libtorch sees them.
    fn cut(&mut self, id: usize, storage: &mut Flat) -> Result<(), String> {
        let Described { element, offset, size, stride, .. } = &self.tensors[id];
        let refused = |why: String| format!("`{}`: {why}", short(&self.wanted[&id]));
        let big_endian = self.big_endian || element.big_endian;
        let flat = storage.of(element, big_endian, &mut self.budget).map_err(refused)?;
        let count = position(flat.numel());
        let elements = elements(count, *offset, size, stride).ok_or_else(|| {
            refused(format!("size {size:?} does not fit a storage of {count} numbers"))
        })?;
        // They become float32.
        self.budget.spend(elements.saturating_mul(4))?;
        // A copy of its own, so that a slice does not keep a large storage alive.
        let tensor = flat
            .f_as_strided(size, stride, *offset)
            .and_then(|view| view.f_to_dtype(Kind::Float, false, true)?.f_contiguous())
            .map_err(|error| refused(first_line(&error.to_string())))?;
        self.loaded.insert(id, tensor);
        Ok(())
    }

    /// All tensors, if all storages have come.
    pub(super) fn all(self) -> Result<Loaded, String> {
        match self.users.keys().next() {
            Some(key) => {
                Err(format!("its storage {} is missing; the file may be truncated", short(key)))
            }
            None => Ok(self.loaded),
        }
    }
}

/// How much a file may still make of its bytes. Tied parameters share a storage, so a little more than
/// the file holds is usual; a file that makes much of little is a bomb.
struct Budget(u64);

impl Budget {
    fn of(file_length: u64) -> Budget {
        Budget(file_length.saturating_mul(4))
    }

    fn spend(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.0.checked_sub(bytes as u64);
        self.0 = left.ok_or("its tensors are together far larger than the file")?;
        Ok(())
    }
}

/// A storage, made a tensor once for all that lie in it.
struct Flat<'b> {
    bytes: Cow<'b, [u8]>,
    made: Option<(Kind, Tensor)>,
}

impl<'b> Flat<'b> {
    fn new(bytes: Cow<'b, [u8]>) -> Self {
        Flat { bytes, made: None }
    }

    /// All its numbers in a row.
    fn of(&mut self, element: &Element, big_endian: bool, budget: &mut Budget) -> Made {
        let Some(kind) = element.kind else {
            return Err(format!(
                "it holds numbers of the type {}, which no network here computes with. \
                 Convert it before it is saved: `tensor.float()`.",
                short(element.name)
            ));
        };
        if let Some((known, flat)) = &self.made
            && *known == kind
        {
            return Ok(flat.shallow_clone());
        }
        budget.spend(self.bytes.len())?;
        let width = kind.elt_size_in_bytes();
        let mut bytes = Cow::Borrowed(&*self.bytes);
        if big_endian {
            bytes.to_mut().chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        let flat = Tensor::f_from_data_size(&bytes, &[position(bytes.len() / width)], kind);
        let flat = flat.map_err(|error| first_line(&error.to_string()))?;
        self.made = Some((kind, flat.shallow_clone()));
        Ok(flat)
    }
}

type Made = Result<Tensor, String>;

/// How many numbers a tensor has that lies within a storage of `count` numbers; `None` where it doesn't.
fn elements(count: i64, offset: i64, size: &[i64], stride: &[i64]) -> Option<usize> {
    let plausible = |&value: &i64| (0..=count.max(1)).contains(&value);
    if size.len() != stride.len() || offset < 0 || !size.iter().chain(stride).all(plausible) {
        return None;
    }
    if size.contains(&0) {
        return Some(0);
    }
    let elements = size.iter().try_fold(1_i64, |all, &n| all.checked_mul(n))?;
    let last = size.iter().zip(stride).try_fold(offset, |last, (&n, &step)| {
        last.checked_add(n.checked_sub(1)?.checked_mul(step)?)
    })?;
    (last < count).then_some(usize::try_from(elements).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_numbers_are_refused_and_no_overflow() {
        let extremes = [i64::MIN, -1, 0, 1, 16, 65536, i64::MAX];
        for a in extremes {
            for b in extremes {
                for offset in extremes {
                    let within = elements(16, offset, &[a, b], &[b, 1]).is_some();
                    assert!(!within || (offset >= 0 && a >= 0 && (0..=16).contains(&b)));
                }
            }
        }
        assert_eq!(elements(65536, 0, &[65536; 16], &[0; 16]), None);
        assert_eq!(elements(i64::MAX, 0, &[i64::MAX; 16], &[i64::MAX; 16]), None);
        assert_eq!(elements(16, 4, &[3, 4], &[4, 1]), Some(12));
        assert_eq!(elements(16, 5, &[3, 4], &[4, 1]), None);
        assert_eq!(elements(16, 0, &[0, 16], &[16, 1]), Some(0));
        assert_eq!(elements(1, 0, &[], &[]), Some(1));
    }

    #[test]
    fn what_repeats_numbers_is_paid_for_before_it_is_made() {
        let mut budget = Budget::of(1000);
        assert!(budget.spend(4000).is_ok() && budget.spend(1).is_err());
        let elements = elements(65536, 0, &[65536, 65536], &[0, 0]).expect("within");
        assert!(Budget::of(1 << 20).spend(elements.saturating_mul(4)).is_err());
    }
}
