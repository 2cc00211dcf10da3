//! The runs of a cell that can be stopped: those that have begun and not ended.

/// More of them at once than anybody has are not counted.
const MOST: usize = 1000;

#[derive(Default)]
pub(crate) struct Runs(Vec<Run>);

struct Run {
    id: String,
    what: String,
}

impl Runs {
    pub(crate) fn begin(&mut self, id: String, what: String) {
        self.end(&id);
        if self.0.len() < MOST {
            self.0.push(Run { id, what });
        }
    }

    pub(crate) fn end(&mut self, id: &str) {
        self.0.retain(|run| run.id != id);
    }

    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// What the last that began does, as in `maximizing relu3_1`.
    pub(crate) fn what(&self) -> Option<&str> {
        Some(&self.0.last()?.what)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_there_from_their_beginning_to_their_end() {
        let mut runs = Runs::default();
        assert!(!runs.any() && runs.what().is_none());
        for id in ["a", "b", "b"] {
            runs.begin(id.to_owned(), format!("training {id}"));
        }
        assert_eq!(runs.what(), Some("training b"));
        runs.end("b");
        runs.end("never begun");
        assert_eq!(runs.what(), Some("training a"));
        runs.end("a");
        assert!(!runs.any());
        (0..2 * MOST).for_each(|id| runs.begin(id.to_string(), String::new()));
        assert_eq!(runs.0.len(), MOST);
        runs.clear();
        assert!(!runs.any());
    }
}
