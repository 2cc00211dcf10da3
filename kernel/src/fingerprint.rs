//! What a warm build was made from, and how that differs from what is there now.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::installation::Installation;
use crate::libtorch::Libtorch;
use crate::tools;

/// The parts that decide what a build looks like, each with its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint(BTreeMap<String, String>);

/// What there is to build from, now.
pub(crate) struct Present {
    pub(crate) fingerprint: Fingerprint,
    /// The source file changed last, and when.
    pub(crate) newest: Option<(String, SystemTime)>,
}

impl Present {
    pub(crate) fn look(installation: &Installation) -> Result<Present> {
        let sources = installation.source.sources()?;
        let libtorch = Libtorch::inspect(&installation.libtorch)?;
        let mut parts = sources.digests;
        parts.insert("rustc".into(), tools::rustc()?);
        parts.insert(
            "libtorch".into(),
            format!(
                "{} at {} ({} bytes)",
                libtorch.version,
                installation.libtorch.display(),
                libtorch.library_bytes
            ),
        );
        parts.insert("evcxr".into(), tools::evcxr_version(&installation.evcxr)?);
        parts.insert("the convscope command".into(), env!("CARGO_PKG_VERSION").into());
        for (name, value) in &installation.compiler_env {
            parts.insert(format!("the variable {name}"), value.clone());
        }
        for (name, value) in &installation.with {
            parts.insert(format!("the crate {name}"), value.clone());
        }
        Ok(Present { fingerprint: Fingerprint(parts), newest: sources.newest })
    }
}

impl Fingerprint {
    /// A short name for this state of things.
    pub(crate) fn name(&self) -> String {
        // The length before each text keeps ("a", "bc") and ("ab", "c") apart.
        let mut hasher = Sha256::new();
        for text in self.0.iter().flat_map(|(part, state)| [part, state]) {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        format!("{:x}", hasher.finalize())[..16].to_owned()
    }

    /// What changed since `earlier`, in words: "src/photo.rs changed", "src/new.rs is new".
    pub(crate) fn changes_since(&self, earlier: &Fingerprint) -> Vec<String> {
        let gone = earlier.0.keys().filter(|part| !self.0.contains_key(*part));
        let changed = self.0.iter().filter_map(|(part, state)| match earlier.0.get(part) {
            None => Some(format!("{part} is new")),
            Some(old) if old != state => Some(format!("{part} changed")),
            Some(_) => None,
        });
        changed.chain(gone.map(|part| format!("{part} is gone"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(parts: &[(&str, &str)]) -> Fingerprint {
        Fingerprint(
            parts.iter().map(|(part, state)| ((*part).to_owned(), (*state).to_owned())).collect(),
        )
    }

    #[test]
    fn equal_states_have_equal_names() {
        let one = fingerprint(&[("rustc", "1.95"), ("src/lib.rs", "abc")]);
        let two = fingerprint(&[("src/lib.rs", "abc"), ("rustc", "1.95")]);
        assert_eq!(one.name(), two.name());
        assert_eq!(one.name().len(), 16);
        assert!(one.changes_since(&two).is_empty());
    }

    #[test]
    fn moving_a_letter_changes_the_name() {
        let one = fingerprint(&[("a", "bc")]);
        let two = fingerprint(&[("ab", "c")]);
        assert_ne!(one.name(), two.name());
    }

    #[test]
    fn changes_are_told_in_words() {
        let old = fingerprint(&[("rustc", "1.94"), ("src/a.rs", "1"), ("src/b.rs", "1")]);
        let new = fingerprint(&[("rustc", "1.94"), ("src/a.rs", "2"), ("src/c.rs", "1")]);
        assert_eq!(
            new.changes_since(&old),
            ["src/a.rs changed", "src/c.rs is new", "src/b.rs is gone"]
        );
    }
}
