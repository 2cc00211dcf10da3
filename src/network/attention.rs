//! Multi-head self-attention as nodes, so that each head's map can be looked at.

use super::ops::{Flatten, MatMul, Permute, Reshape, Select, Softmax};
use super::{Builder, NodeId, Pointwise};

impl Builder {
    /// Adds multi-head self-attention (Vaswani et al., 2017,
    /// [arXiv:1706.03762](https://arxiv.org/abs/1706.03762)) over tokens `[N, T, E]`.
    ///
    /// It is not one fused operation but a node for each step, named as PyTorch's
    /// `MultiheadAttention` names its parameters. The maps are `NAME.attention`,
    /// `[N, heads, T, T]`: row *t* says how much of each token goes into token *t*, and sums to 1.
    pub fn self_attention(&mut self, tokens: NodeId, name: &str, heads: i64) -> NodeId {
        self.attention_of(tokens, name, heads, ["in_proj", "out_proj"])
    }

    /// The same with other names of the linear layers before and behind.
    pub(crate) fn attention_of(
        &mut self,
        tokens: NodeId,
        name: &str,
        heads: i64,
        [inward, outward]: [&str; 2],
    ) -> NodeId {
        let at = |step: &str| format!("{name}.{step}");
        let (count, width) = match *self.shape(tokens) {
            [_, count, width] => (count, width),
            _ => (0, 0), // refused below: the reshape fits no such tokens
        };
        let size = width / heads.max(1);
        let joined = self.linear(tokens, &at(inward), 3 * width);
        let shape = vec![-1, count, 3, heads, size];
        let split = self.op(&at("split"), Reshape { shape }, &[joined]);
        // [N, T, 3, heads, E / heads] to [3, N, heads, T, E / heads]
        let order = vec![2, 0, 3, 1, 4];
        let split = self.op(&at("heads"), Permute { order }, &[split]);
        let [query, key, value] = [("query", 0), ("key", 1), ("value", 2)]
            .map(|(part, index)| self.op(&at(part), Select { dim: 0, index }, &[split]));

        let factor = 1.0 / (size.max(1) as f64).sqrt();
        let query = self.pointwise(query, &at("scaled_query"), Pointwise::Scale { factor });
        let order = vec![0, 1, 3, 2];
        let key = self.op(&at("transposed_key"), Permute { order }, &[key]);
        let scores = self.op(&at("scores"), MatMul, &[query, key]);
        let maps = self.op(&at("attention"), Softmax { dim: 3 }, &[scores]);

        let mixed = self.op(&at("mixed"), MatMul, &[maps, value]);
        let order = vec![0, 2, 1, 3];
        let mixed = self.op(&at("tokens"), Permute { order }, &[mixed]);
        let mixed = self.op(&at("joined"), Flatten { from: 2 }, &[mixed]);
        self.linear(mixed, &at(outward), width)
    }
}
