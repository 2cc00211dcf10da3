//! A map that fills in while its method runs.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use super::figure::{ALONE, over};
use super::{Attribution, Attributions, Input, Run};
use crate::Result;
use crate::live::Preview;

/// Who watches the map of an image fill in: is given what makes it of what is done so far, and calls that
/// where it is time for another picture.
pub(super) type Watcher<'a> = Rc<dyn Fn(&Run<'_>, &dyn Fn() -> Result<Attributions>) + 'a>;

impl<'a> Run<'a> {
    /// The same run, whose map a notebook shows as the method's figure while it fills in. The picture stays
    /// as long as the run does.
    pub(super) fn shown(self, input: &'a impl Input, method: &'a dyn Attribution) -> Run<'a> {
        let (preview, picture) = (RefCell::new(Preview::new(false)), OnceCell::new());
        self.watched(Rc::new(move |run, so_far| {
            preview.borrow_mut().show(|| {
                if picture.get().is_none() {
                    let _ = picture.set(input.shown(run.network(), ALONE)?);
                }
                let picture = picture.get().cloned().unwrap_or_default();
                over(picture, run, input, method, &so_far()?)
            });
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tch::{Kind, Tensor};

    use super::*;
    use crate::attribution::{
        AblationCam, Attribution, IntegratedGradients, Patches, Rise, ScoreCam, SmoothGrad, Target,
    };
    use crate::{data, zoo};

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        let difference = a.f_sub(b).and_then(|d| d.f_abs()?.f_max()?.f_double_value(&[]));
        difference.expect("maps of one size")
    }

    /// The maps that a method shows while it runs, and the one that it gives.
    fn shown(method: &dyn Attribution) -> Result<(Vec<Tensor>, Tensor)> {
        let net = zoo::digits()?;
        let input = data::digit(4, 2)?;
        let maps = RefCell::new(Vec::new());
        let run = Run::of(&net, &input, Target::Top)?.watched(Rc::new(|_, so_far| {
            maps.borrow_mut().push(so_far().and_then(|found| found.maps()).expect("a map so far"));
        }));
        let found = method.attribute(&run)?.maps()?;
        drop(run);
        Ok((maps.into_inner(), found))
    }

    #[test]
    fn maps_fill_in_and_the_last_is_the_one_given() -> Result<()> {
        let methods: [&dyn Attribution; 7] = [
            &Rise::default().masks(100),
            &ScoreCam::at("relu2"),
            &AblationCam::at("relu2"),
            &Patches::new(4).stride(1),
            &IntegratedGradients::default(),
            &SmoothGrad::default(),
            &SmoothGrad::default().aggregation(crate::attribution::Aggregation::Variance),
        ];
        for method in methods {
            let (maps, found) = shown(method)?;
            assert!(maps.len() > 1, "{}: {} maps", method.name(), maps.len());
            assert_eq!(maps[0].size(), found.size(), "{}", method.name());
            assert_eq!(maps[0].kind(), Kind::Float, "{}", method.name());
            let last = maps.last().expect("a map");
            assert_eq!(distance(last, &found), 0.0, "{}", method.name());
            assert!(distance(&maps[0], &found) > 0.0, "{}", method.name());
        }
        Ok(())
    }

    #[test]
    fn several_images_have_no_picture_to_fill_in() -> Result<()> {
        let net = zoo::digits()?;
        let one = net.prepare(&data::digit(4, 2)?)?;
        let both = Tensor::f_cat(&[&one, &one], 0)?;
        let run = Run::new(&net, &both, &[Target::Top, Target::Top])?
            .watched(Rc::new(|_, _| panic!("shown")));
        let _ = Rise::default().masks(40).attribute(&run)?;
        Ok(())
    }
}
