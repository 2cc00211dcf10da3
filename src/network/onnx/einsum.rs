//! `Einsum` of one or two operands, as sums, permutations and a matrix product.

use super::dims::product;
use super::import::Importer;
use super::message::Node;
use super::rearrange::emit_reshape;
use super::sizes::Size;
use super::value::{Outcome, Value};
use crate::error::short;
use crate::network::ops::{MOST_DIMS, MatMul, Permute, Reduce, Reduction};

/// The labels of a term's dimensions.
type Labels = Vec<char>;

struct Equation {
    terms: Vec<Labels>,
    result: Labels,
}

/// An operand and what its dimensions are called.
struct Operand<'a> {
    value: Value<'a>,
    labels: Labels,
}

pub(super) fn einsum<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Value<'a>> {
    let text = node.text("equation", "");
    let values = (0..node.inputs.len()).map(|index| importer.input(node, index));
    let values = values.collect::<Outcome<Vec<_>>>()?;
    let ranks: Vec<usize> = values.iter().map(|value| importer.shape(value).sizes.len()).collect();
    let equation = Equation::of(&text, &ranks)
        .ok_or_else(|| format!("the equation `{}` is not supported", short(&text)))?;
    let Equation { terms, result } = equation;
    let operand = |(value, labels)| Operand { value, labels };
    let mut operands: Vec<Operand> = values.into_iter().zip(terms).map(operand).collect();
    let product = match (operands.pop(), operands.pop(), operands.pop()) {
        (Some(b), Some(a), None) => multiplied(importer, a, b, &result)?,
        (Some(a), None, None) => a.summed(importer, &result)?,
        _ => return Err("only one or two operands are supported".to_owned()),
    };
    product.turned(importer, &result).map(|operand| operand.value)
}

impl Equation {
    /// `None` where it is none, names a dimension twice in one term, or doesn't fit the operands.
    fn of(text: &str, ranks: &[usize]) -> Option<Equation> {
        const LONGEST: usize = 200;
        if text.len() > LONGEST {
            return None;
        }
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (text.as_str(), None),
        };
        let split: Vec<&str> = left.split(',').collect();
        if split.len() != ranks.len() {
            return None;
        }
        let terms = split.iter().zip(ranks).map(|(term, &rank)| labels(term, Some(rank)));
        let terms = terms.collect::<Option<Vec<Labels>>>()?;
        let all = || terms.iter().flatten();
        let result = match right {
            // The dots stand for as many dimensions as in the operand that has most of them.
            Some(right) => {
                let dots = all().filter(|label| is_dot(**label)).max().copied();
                let count = dots.map_or(0, |dot| dot_number(dot).saturating_add(1));
                let letters = right.replace("...", "").chars().count();
                labels(
                    right,
                    Some(letters.checked_add(if right.contains('.') { count } else { 0 })?),
                )?
            }
            None => {
                let mut once: Labels = all()
                    .copied()
                    .filter(|&label| all().filter(|&&l| l == label).count() == 1)
                    .collect();
                once.sort_unstable();
                once
            }
        };
        let known = |label: &char| all().any(|other| other == label);
        result.iter().all(known).then_some(Equation { terms, result })
    }
}

/// Dimensions that dots stand for are called by characters that no equation has, counted from the last.
const FIRST_DOT: u32 = 0xE000;

fn dot(number: usize) -> Option<char> {
    char::from_u32(FIRST_DOT.checked_add(u32::try_from(number).ok()?)?)
}

fn is_dot(label: char) -> bool {
    !label.is_ascii_alphabetic()
}

fn dot_number(label: char) -> usize {
    usize::try_from(u32::from(label).saturating_sub(FIRST_DOT)).unwrap_or_default()
}

/// The labels of a term of `rank` dimensions, each a letter or one of those that `...` stands for.
fn labels(term: &str, rank: Option<usize>) -> Option<Labels> {
    let rank = rank?;
    if rank > MOST_DIMS {
        return None;
    }
    let (before, after) = match term.split_once("...") {
        Some((before, after)) => (before, Some(after)),
        None => (term, None),
    };
    let letters = before.chars().chain(after.unwrap_or_default().chars());
    let hidden = rank.checked_sub(letters.clone().count())?;
    if !letters.clone().all(|letter| letter.is_ascii_alphabetic())
        || (after.is_none() && hidden > 0)
    {
        return None;
    }
    let mut all: Labels = before.chars().collect();
    for number in (0..hidden).rev() {
        all.push(dot(number)?);
    }
    all.extend(after.unwrap_or_default().chars());
    let mut sorted = all.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == all.len()).then_some(all)
}

impl<'a> Operand<'a> {
    /// Summed over the dimensions that nobody keeps.
    fn summed(self, importer: &mut Importer<'a>, kept: &[char]) -> Outcome<Operand<'a>> {
        let gone = |&dim: &usize| !kept.contains(&self.labels[dim]);
        let dims: Vec<usize> = (0..self.labels.len()).filter(gone).collect();
        if dims.is_empty() {
            return Ok(self);
        }
        let labels = self.labels.iter().copied().filter(|label| kept.contains(label)).collect();
        let sum = Reduce { by: Reduction::Sum, dims, keep_dims: false };
        Ok(Operand { value: importer.emit(sum, vec![self.value])?, labels })
    }

    /// With its dimensions in that order.
    fn turned(self, importer: &mut Importer<'a>, labels: &[char]) -> Outcome<Operand<'a>> {
        if self.labels == labels {
            return Ok(self);
        }
        let place = |label: &char| self.labels.iter().position(|own| own == label);
        let order: Option<Vec<usize>> = labels.iter().map(place).collect();
        let order = order.ok_or("its result has a dimension that no operand has")?;
        let value = importer.emit(Permute { order }, vec![self.value])?;
        Ok(Operand { value, labels: labels.to_vec() })
    }

    /// The value with groups of dimensions made one each, behind the first `kept` ones.
    fn joined(
        &self,
        importer: &mut Importer<'a>,
        kept: usize,
        groups: [usize; 2],
    ) -> Outcome<Value<'a>> {
        if groups == [1, 1] {
            return Ok(self.value.share());
        }
        let shape = importer.shape(&self.value);
        let sizes = shape.symbolic();
        let (front, rest) = sizes.split_at(kept);
        let (first, second) = rest.split_at(groups[0]);
        let one = |group: &[Size]| {
            let count = product(&group.iter().map(|size| size.count).collect::<Vec<_>>())?;
            Outcome::Ok(Size { count, batch: group.iter().any(|size| size.batch) })
        };
        let target = [front, &[one(first)?, one(second)?]].concat();
        reshaped(importer, self.value.share(), &target)
    }
}

fn reshaped<'a>(
    importer: &mut Importer<'a>,
    value: Value<'a>,
    target: &[Size],
) -> Outcome<Value<'a>> {
    let from = importer.shape(&value);
    let to = from.reshaped(target, importer.dynamic)?;
    emit_reshape(importer, value, &from, to)
}

/// The product of two operands, summed over what the result lacks: `[both…, a…, b…]`.
fn multiplied<'a>(
    importer: &mut Importer<'a>,
    a: Operand<'a>,
    b: Operand<'a>,
    result: &[char],
) -> Outcome<Operand<'a>> {
    let kept = |other: &Operand| [result, &other.labels].concat();
    let (keep_a, keep_b) = (kept(&b), kept(&a));
    let (a, b) = (a.summed(importer, &keep_a)?, b.summed(importer, &keep_b)?);
    let shared = |label: &char| a.labels.contains(label) && b.labels.contains(label);
    let of = |labels: &[char], wanted: &dyn Fn(&char) -> bool| -> Labels {
        labels.iter().copied().filter(wanted).collect()
    };
    let both = of(result, &shared);
    let summed = of(&a.labels, &|label| shared(label) && !result.contains(label));
    let (rows, columns) =
        (of(&a.labels, &|label| !shared(label)), of(&b.labels, &|label| !shared(label)));

    let a = a.turned(importer, &[&both[..], &rows, &summed].concat())?;
    let b = b.turned(importer, &[&both[..], &summed, &columns].concat())?;
    let sizes = |operand: &Operand, importer: &Importer, from: usize, count: usize| {
        importer
            .shape(&operand.value)
            .symbolic()
            .into_iter()
            .skip(from)
            .take(count)
            .collect::<Vec<Size>>()
    };
    let behind = both.len().saturating_add(summed.len());
    let row_sizes = sizes(&a, importer, both.len(), rows.len());
    let column_sizes = sizes(&b, importer, behind, columns.len());

    let left = a.joined(importer, both.len(), [rows.len(), summed.len()])?;
    let right = b.joined(importer, both.len(), [summed.len(), columns.len()])?;
    let mut value = importer.emit(MatMul, vec![left, right])?;
    if [rows.len(), columns.len()] != [1, 1] {
        let front: Vec<Size> =
            importer.shape(&value).symbolic().into_iter().take(both.len()).collect();
        value = reshaped(importer, value, &[front, row_sizes, column_sizes].concat())?;
    }
    Ok(Operand { value, labels: [both, rows, columns].concat() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_read_or_refused() {
        let letters = |text: &str, ranks: &[usize]| {
            let equation = Equation::of(text, ranks)?;
            let text = |labels: Labels| -> String {
                labels.into_iter().map(|label| if is_dot(label) { '.' } else { label }).collect()
            };
            let terms: Vec<String> = equation.terms.into_iter().map(text).collect();
            Some((terms.join(","), text(equation.result)))
        };
        let read = |terms: &str, result: &str| Some((terms.to_owned(), result.to_owned()));
        assert_eq!(letters("b i d, b j d -> b i j", &[3, 3]), read("bid,bjd", "bij"));
        assert_eq!(letters("ij,jk", &[2, 2]), read("ij,jk", "ik"));
        assert_eq!(letters("...ij,...jk->...ik", &[4, 3]), read("..ij,.jk", "..ik"));
        assert_eq!(letters("ij->", &[2]), read("ij", ""));
        for (text, ranks) in [
            ("ii->i", &[2][..]),
            ("ij,jk->il", &[2, 2]),
            ("ij,jk->ik", &[2, 3]),
            ("ij,jk->ik", &[2]),
            ("i.j->ij", &[2]),
            ("", &[2]),
        ] {
            assert_eq!(letters(text, ranks), None, "{text}");
        }
    }
}
