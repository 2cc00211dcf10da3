//! What methods explain: images through a network, each with its target.

use std::cell::OnceCell;
use std::rc::Rc;

use tch::Tensor;

use super::resolved::ResolvedTargets;
use super::watch::Watcher;
use super::{Attributions, Input, Target};
use crate::error::shape_text;
use crate::network::{BackpropRule, Gradients, Network};
use crate::{Error, Result};

/// Images through a network, each with its target.
///
/// What several methods need is made once, when first wanted: the forward pass, the top classes, the
/// form of the network for inference.
pub struct Run<'a> {
    net: &'a Network,
    input: Tensor,
    /// As given: [`Target::Top`] is still open.
    targets: ResolvedTargets,
    output: OnceCell<Tensor>,
    inference: Rc<OnceCell<Network>>,
    watcher: Option<Watcher<'a>>,
}

impl<'a> Run<'a> {
    /// A prepared batch `[N, C, H, W]` on any device, one target per image. All targets must read one
    /// layer.
    ///
    /// ```
    /// use convscope::attribution::{Attribution, GradCam, Run};
    /// use convscope::prelude::*;
    /// let net = zoo::digits()?;
    /// let input = Tensor::cat(&[net.prepare(&data::digit(4, 2)?)?, net.prepare(&data::digit(7, 0)?)?], 0);
    /// let run = Run::new(&net, &input, &[Target::Top, Target::Class(7)])?;
    /// let found = GradCam::at("relu2").attribute(&run)?;
    /// assert_eq!(found.values.size(), [2, 8, 8]);
    /// assert_eq!(found.maps_at([28, 28])?.size(), [2, 28, 28]);
    /// # Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An input that doesn't fit the network; too few or too many targets; an unknown class or layer.
    pub fn new(net: &'a Network, input: &Tensor, targets: &[Target]) -> Result<Run<'a>> {
        let targets = ResolvedTargets::new(net, input, targets)?;
        Ok(Run::with(net, net.check_input(input)?, targets, Rc::default()))
    }

    /// One input.
    ///
    /// # Errors
    ///
    /// As [`Run::new`]; an input that can't be prepared.
    pub fn of(net: &'a Network, input: &impl Input, target: impl Into<Target>) -> Result<Run<'a>> {
        Run::new(net, &input.tensor(net)?, &[target.into()])
    }

    fn with(
        net: &'a Network,
        input: Tensor,
        targets: ResolvedTargets,
        inference: Rc<OnceCell<Network>>,
    ) -> Run<'a> {
        Run { net, input, targets, output: OnceCell::new(), inference, watcher: None }
    }

    /// The same, watched.
    pub(super) fn watched(self, watcher: Watcher<'a>) -> Run<'a> {
        Run { watcher: Some(watcher), ..self }
    }

    /// Shows the only image's map so far to whoever watches.
    pub(super) fn show(&self, so_far: impl Fn() -> Result<Attributions>) {
        if let Some(watcher) = &self.watcher {
            watcher(self, &so_far);
        }
    }

    /// The network.
    pub fn network(&self) -> &'a Network {
        self.net
    }

    /// The images, `[N, C, H, W]`, on the network's device.
    pub fn input(&self) -> &Tensor {
        &self.input
    }

    /// Their height and width.
    pub(super) fn size(&self) -> [i64; 2] {
        let size = self.input.size();
        [2, 3].map(|dim| size.get(dim).copied().unwrap_or(1))
    }

    /// How many images there are.
    pub fn images(&self) -> usize {
        self.input.size().first().copied().unwrap_or_default() as usize
    }

    /// The value of the layer that the targets read: `[N, classes]` for classes.
    ///
    /// # Errors
    ///
    /// What libtorch refuses.
    pub fn output(&self) -> Result<&Tensor> {
        if let Some(output) = self.output.get() {
            return Ok(output);
        }
        let output = self.net.value(&self.input, self.targets.node)?;
        Ok(self.output.get_or_init(|| output))
    }

    /// The score of each image, `[N]`, made of a value of that layer: of [`Run::output`], or of what
    /// becomes of it when the images are changed. The top class is that of the unchanged images.
    ///
    /// # Errors
    ///
    /// A value of another shape than [`Run::output`]; a [`Target::score`] that fails.
    pub fn scores(&self, value: &Tensor) -> Result<Tensor> {
        let expected = self.output()?.size();
        if value.size() != expected {
            return Err(Error::Shape {
                at: "scores of the layer that the targets read".to_owned(),
                expected: shape_text(&expected),
                got: shape_text(&value.size()),
                remedy: "`run.output()` is one for the images as they are.".to_owned(),
            });
        }
        self.targets()?.scores(value)
    }

    /// The gradients of each image's score with respect to layers, or to `input`.
    ///
    /// # Errors
    ///
    /// An unknown layer; one that the score does not depend on.
    pub fn gradients(&self, layers: &[&str]) -> Result<Gradients> {
        let wanted = layers.iter().map(|layer| self.net.find(layer)).collect::<Result<Vec<_>>>()?;
        self.differentiate(&wanted)
    }

    /// The same by nodes.
    pub(super) fn differentiate(&self, wanted: &[usize]) -> Result<Gradients> {
        // One pass is enough for the top class: it is known from the same output.
        let targets = &self.targets;
        let score = |value: &Tensor| targets.total(value);
        let run = self.net.differentiate(&self.input, wanted, targets.node, score)?;
        let _ = self.output.set(run.output.shallow_clone());
        Ok(run)
    }

    /// The gradient with respect to the input, `[N, C, H, W]`, by another rule at ReLUs.
    pub(super) fn modified_gradient(&self, rule: BackpropRule) -> Result<Tensor> {
        let targets = &self.targets;
        let score = |value: &Tensor| targets.total(value);
        let (gradient, output) =
            self.net.modified_gradient(&self.input, rule, targets.node, score)?;
        let _ = self.output.set(output);
        Ok(gradient)
    }

    /// The node of a layer that the scores depend on.
    pub(super) fn layer(&self, layer: &str) -> Result<usize> {
        let found = self.net.find(layer)?;
        self.net.check_dependence(self.targets.node, found)?;
        Ok(found)
    }

    /// The targets with the top classes, and the regions of classes, found.
    pub(super) fn targets(&self) -> Result<ResolvedTargets> {
        if !self.targets.is_open() {
            return Ok(self.targets.clone());
        }
        self.targets.clone().settled(self.net, self.output()?)
    }

    /// The network made for speed, the targets and the layers (nodes) as they are numbered in it; or
    /// all of it as it is, where one of these nodes was folded away.
    pub(super) fn fast<const N: usize>(
        &self,
        layers: [usize; N],
    ) -> Result<(&Network, ResolvedTargets, [usize; N])> {
        let targets = self.targets()?;
        let fast = self.inference()?;
        let place = |node: usize| fast.find(&self.net.nodes()[node].name);
        let Ok(node) = place(targets.node) else { return Ok((self.net, targets, layers)) };
        let mut places = layers;
        for layer in &mut places {
            let Ok(found) = place(*layer) else { return Ok((self.net, targets, layers)) };
            *layer = found;
        }
        Ok((fast, targets.read_at(node), places))
    }

    fn inference(&self) -> Result<&Network> {
        if let Some(network) = self.inference.get() {
            return Ok(network);
        }
        let network = self.net.for_inference()?;
        Ok(self.inference.get_or_init(|| network))
    }

    /// One of the images, with its target.
    pub(super) fn image(&self, index: usize) -> Result<Run<'a>> {
        let input = self.input.f_narrow(0, index as i64, 1);
        let input = input.map_err(Error::torch("taking one image of the batch"))?;
        let mut run =
            Run::with(self.net, input, self.targets()?.one(index), self.inference.clone());
        // What watches knows of one map.
        run.watcher = self.watcher.clone().filter(|_| self.images() == 1);
        if let Some(output) = self.output.get() {
            let output = output.f_narrow(0, index as i64, 1);
            let _ = run.output.set(output.map_err(Error::torch("taking one image of the batch"))?);
        }
        Ok(run)
    }

    /// The same targets, the top classes among them, on other images.
    pub(super) fn on_input(&self, input: Tensor) -> Result<Run<'a>> {
        Ok(Run::with(self.net, input, self.targets()?, self.inference.clone()))
    }

    /// The same targets, the top classes among them, of another network with the same nodes.
    pub(super) fn on_network<'b>(&self, net: &'b Network) -> Result<Run<'b>> {
        Ok(Run::with(net, self.input.shallow_clone(), self.targets()?, Rc::default()))
    }

    /// Several variants of the only image, `[K, C, H, W]`, all with its target.
    pub(super) fn variants(&self, input: Tensor) -> Result<Run<'a>> {
        let count = input.size().first().copied().unwrap_or_default() as usize;
        let targets = self.targets()?.repeated(count);
        Ok(Run::with(self.net, input, targets, self.inference.clone()))
    }

    /// The maps of methods that explain one image at a time, as one batch.
    pub(super) fn each<T>(
        &self,
        mut one: impl FnMut(&Run<'a>) -> Result<(Tensor, T)>,
    ) -> Result<(Tensor, Vec<T>)> {
        let (mut maps, mut rest) = (Vec::new(), Vec::new());
        for index in 0..self.images() {
            let (map, more) = one(&self.image(index)?)?;
            maps.push(map);
            rest.push(more);
        }
        let maps = Tensor::f_stack(&maps, 0).map_err(Error::torch("collecting the maps"))?;
        Ok((maps, rest))
    }
}
