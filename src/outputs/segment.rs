//! `net.segment(&photo)`: the class of each pixel.

use tch::{Kind, TchError, Tensor};

use crate::attribution::{ALONE, Input, input_size};
use crate::error::shape_text;
use crate::limits::check_memory;
use crate::network::Network;
use crate::view::Segmentation;
use crate::{Error, Result};

impl Network {
    /// The class of each pixel, by a network whose result is `[N, K, h, w]`, over the picture, with the classes that
    /// occur and their shares. Values of a coarser grid are enlarged to the input's size, bilinearly, before
    /// the class with the largest is chosen. Of a single class: where it is more likely than not.
    ///
    /// A class that is called `background` leaves the picture uncovered.
    ///
    /// ```
    /// use convscope::prelude::*;
    /// let mut b = Network::builder("ink", [1, 28, 28]);
    /// b.conv2d(b.input(), "mask", Conv2d::new(1, 1));
    /// let net = b.build()?.with_classes(["ink"])?.load_tensors([
    ///     ("mask.weight", Tensor::full([1, 1, 1, 1], 10.0, (Kind::Float, Device::Cpu))),
    ///     ("mask.bias", Tensor::from_slice(&[-5.0_f32])),
    /// ])?;
    /// let found = net.segment(&data::digit(4, 2)?)?;
    /// assert_eq!(found.classes()[0].name, "no ink");
    /// found
    /// # ; Ok::<(), convscope::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A network of another result; an input that doesn't fit it.
    pub fn segment(&self, input: &impl Input) -> Result<Segmentation> {
        let tensor = input.tensor(self)?;
        let shapes = self.shapes(&tensor.size())?;
        let output = shapes.get(self.output_index()).map_or(&[][..], Vec::as_slice);
        let numbers = self.before_numbers(self.output_index());
        let (&[1, classes, h, w], None) = (output, &numbers) else {
            let other = "`net.outputs()` lists the outputs; `net.with_output(name)` takes another";
            return Err(Error::Shape {
                at: format!("{}'s output", self.name()),
                expected: "one picture's map for each class, [1, K, h, w]".to_owned(),
                got: match numbers {
                    Some(_) => format!("numbers of classes {}", shape_text(output)),
                    None => shape_text(output),
                },
                remedy: match (numbers, output.len()) {
                    (Some(before), _) => format!("{before}."),
                    (None, 2) => "`net.classify(&photo)` ranks classes.".to_owned(),
                    _ => format!("{other}."),
                },
            });
        };
        let [height, width] = input_size(&tensor);
        let size = [h.max(i64::from(height)), w.max(i64::from(width))];
        let values =
            size.iter().fold(classes.max(1) as u64, |all, &side| all.saturating_mul(side as u64));
        check_memory(
            "choosing the class of each pixel",
            values.saturating_mul(8),
            tch::Device::Cpu,
        )?;
        let output = tch::no_grad(|| self.forward(&tensor))?;
        let chosen = tch::no_grad(|| self.chosen(&output, size));
        let (chosen, sure) = chosen.map_err(Error::torch("choosing the class of each pixel"))?;

        let title = format!("{} in {}", self.name(), input.title());
        let names = self.names_of_pixels(classes);
        let nothing = match classes {
            1 => Some(1),
            _ => names
                .iter()
                .position(|name| name.trim_matches('_').eq_ignore_ascii_case("background")),
        };
        let figure = Segmentation::new(title, input.shown(self, ALONE)?, &chosen, &sure, names)?;
        let mut figure = figure.input_size(height, width);
        if let Some(nothing) = nothing {
            figure = figure.uncovered(nothing);
        }
        if [h, w] != size {
            figure = figure.note(format!(
                "the output's grid of {h}×{w} is enlarged to {}×{} before the class is chosen",
                size[0], size[1]
            ));
        }
        Ok(figure)
    }

    /// The class of each pixel and its probability, `[H, W]` each, of an output `[1, K, h, w]`.
    fn chosen(
        &self,
        output: &Tensor,
        [height, width]: [i64; 2],
    ) -> Result<(Tensor, Tensor), TchError> {
        let output = output.f_to_kind(Kind::Float)?;
        let output = match output.size()[2..] == [height, width] {
            true => output,
            false => output.f_upsample_bilinear2d([height, width], false, None, None)?,
        };
        let probabilities = self.output_scale().probabilities(&output, None)?.f_select(0, 0)?;
        if probabilities.size()[0] > 1 {
            let (sure, chosen) = probabilities.f_max_dim(0, false)?;
            return Ok((chosen, sure));
        }
        let yes = probabilities.f_select(0, 0)?;
        let no = yes.f_le(0.5)?;
        Ok((
            no.f_to_kind(Kind::Int64)?,
            yes.f_where_self(&no.f_logical_not()?, &yes.f_rsub_scalar(1.0)?)?,
        ))
    }

    /// The names of the classes of pixels; of a single class also of its absence.
    fn names_of_pixels(&self, classes: i64) -> Vec<String> {
        match (classes, self.classes()) {
            (1, [name]) if !name.trim().is_empty() => vec![name.clone(), format!("no {name}")],
            (1, _) => vec!["yes".to_owned(), "no".to_owned()],
            (_, names) => names.to_vec(),
        }
    }
}
