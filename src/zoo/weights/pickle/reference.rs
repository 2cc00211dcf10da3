//! What a pickle refers to beside itself: storages and, in the first files, tensors.

use super::bytes::damaged;
use super::element::Element;
use super::machine::Machine;
use super::value::{Numbers, Storage, Value};

/// A pickle that describes one storage is far smaller.
const STORAGES_PICKLES: usize = 1024;

/// Storages' keys are numbers, or addresses of memory.
const LONGEST_KEY: usize = 64;

impl<'a> Machine<'a> {
    /// A reference to what lies beside the pickle:
    /// `("storage", type, key, device, length[, (key of a view, begin, length)])`.
    pub(super) fn reference(&mut self) -> Result<(), String> {
        let id = match self.pop()? {
            Value::Tuple(id) => id,
            number => return self.numbered(number.text().unwrap_or_default()),
        };
        let parts = self.containers[id].as_slice();
        match parts.first().and_then(|value| value.text()) {
            Some("storage") => {}
            // A class with its source, as old files have it of whole models.
            Some("module") => return self.push(parts.get(1).copied().unwrap_or(Value::Other)),
            _ => return self.push(parts.first().copied().unwrap_or(Value::Other)),
        }
        let class = parts.get(1).and_then(|class| match class {
            Value::Global(id) => Some(self.globals[*id]),
            _ => None,
        });
        let key = parts.get(2).and_then(|key| key.text());
        let (class, key) = class.zip(key).ok_or_else(damaged)?;
        let begin = match parts.get(5) {
            Some(Value::Tuple(view)) => match self.containers[*view].get(1) {
                Some(Value::Int(begin)) => *begin,
                _ => return Err(damaged()),
            },
            _ => 0,
        };
        self.storage(class, key, begin)
    }

    /// A reference to what has a number: a tensor, or a storage, in which nobody looks for one.
    fn numbered(&mut self, number: &str) -> Result<(), String> {
        let known = number.parse().ok().and_then(|number| self.known.get(&number).copied());
        self.push(known.map_or(Value::Other, Value::Tensor))
    }

    /// A storage in protocol 0: `('storage', <class 'torch.FloatStorage'>, '0', 'cpu', 36)`.
    pub(super) fn reference_in_words(&mut self, line: &'a str) -> Result<(), String> {
        let mut parts = line.split(", ").map(|part| part.trim_matches(['(', ')', '\'']));
        let (what, class, key) = (parts.next(), parts.next(), parts.next());
        let class = class
            .and_then(|class| class.strip_prefix("<class '")?.strip_suffix("'>")?.rsplit_once('.'));
        match (what, class, key) {
            (Some("storage"), Some(class), Some(key)) => self.storage(class, key, 0),
            _ => self.numbered(line),
        }
    }

    fn storage(
        &mut self,
        (module, name): (&'a str, &'a str),
        key: &'a str,
        begin: i64,
    ) -> Result<(), String> {
        if key.len() > LONGEST_KEY {
            return Err(damaged());
        }
        let Some(element) = Element::of_storage(module, name) else {
            return self.push(Value::Other);
        };
        self.storages.push(Storage { numbers: Numbers::Storage(key), element, begin });
        self.push(Value::Storage(self.storages.len() - 1))
    }

    /// The storage in bytes that are an old file of their own, as `pickle.dump` has it of tensors.
    pub(super) fn embedded(&self, bytes: &'a [u8]) -> Option<Storage<'a>> {
        // Files within such files would be read within one another.
        if self.embedded {
            return None;
        }
        let head = &bytes[..bytes.len().min(STORAGES_PICKLES)];
        let (mut at, mut found) = (0_usize, None);
        for _magic_version_system_storage_keys in 0..5 {
            let mut machine = Machine::of(&head[at..]);
            machine.embedded = true;
            if let Value::Storage(id) = machine.run().ok()? {
                found = Some(machine.storages[id].element);
            }
            at = at.checked_add(machine.bytes.at)?;
        }
        let element = found?;
        let count = bytes[at..].first_chunk()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?.checked_mul(element.bytes)?;
        let numbers = Numbers::Here(bytes[at..].get(8..)?.get(..count)?);
        Some(Storage { numbers, element, begin: 0 })
    }
}
