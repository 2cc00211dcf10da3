//! Which activations a run needs, until when, and whose memory may become another's.

use tch::Tensor;

use super::{Network, Op};
use crate::error::quoted;
use crate::{Error, Result};

/// How many nodes read an activation in a run, and which last.
#[derive(Clone, Default)]
pub(super) struct Liveness {
    /// How many; 0 where nothing wanted depends on it.
    pub readers: usize,
    /// The last of them; beyond all for what is wanted.
    pub last: usize,
    /// The input whose memory may become this node's.
    pub overwrites: Option<usize>,
    /// Whether its memory is this run's own, and no other value lies in it.
    owned: bool,
}

impl Liveness {
    /// The only node that reads it, if it isn't wanted.
    pub(super) fn only_reader(&self) -> Option<usize> {
        (self.readers == 1 && self.last != usize::MAX).then_some(self.last)
    }

    /// Whether nobody but that node needs its memory by then.
    pub(super) fn is_free_at(&self, node: usize) -> bool {
        self.owned && self.last == node
    }
}

impl Network {
    /// For each node up to the last wanted one, which nodes read it.
    pub(super) fn liveness(
        &self,
        given: &[(usize, &Tensor)],
        wanted: &[usize],
    ) -> Result<Vec<Liveness>> {
        let end = wanted.iter().copied().max().unwrap_or_default();
        let mut live = vec![Liveness::default(); end + 1];
        for &i in wanted {
            live[i] = Liveness { readers: 1, last: usize::MAX, ..Liveness::default() };
        }
        for index in (0..=end).rev() {
            if live[index].readers == 0 || given.iter().any(|(at, _)| *at == index) {
                continue;
            }
            let node = &self.nodes[index];
            if matches!(node.op, Op::Input(_)) {
                let from: Vec<_> =
                    given.iter().map(|(i, _)| self.nodes[*i].name.as_str()).collect();
                return Err(Error::Argument(format!(
                    "{}: {} alone does not determine the output: a skip or another branch goes past \
                     it. Start from a layer that everything goes through, such as the end of a block.",
                    self.name,
                    quoted(&from)
                )));
            }
            for &i in &node.inputs {
                live[i].readers += 1;
                live[i].last = live[i].last.max(index);
            }
        }
        // Writing over an activation saves the time to get new memory. It must have been made in this
        // run, and no other value may lie in it.
        let allocates = |index: usize| self.nodes[index].op.operation().allocates();
        for (index, live) in live.iter_mut().enumerate() {
            live.owned = allocates(index) && given.iter().all(|(at, _)| *at != index);
        }
        for index in (0..=end).filter(|&index| !allocates(index)) {
            for &i in &self.nodes[index].inputs {
                live[i].owned &= live[index].readers == 0;
            }
        }
        for index in 0..=end {
            let node = &self.nodes[index];
            let free = |i: &&usize| live[**i].readers == 1 && live[**i].is_free_at(index);
            if node.op.operation().works_in_place() {
                live[index].overwrites = node.inputs.iter().find(free).copied();
            }
        }
        Ok(live)
    }
}
