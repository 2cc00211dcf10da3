//! Figures made of numbers of one's own.

use convscope::image::RgbImage;
use convscope::prelude::*;
use convscope::view::*;

use super::{COUNTS, PIXELS, REALS, Walk, names, tensors, walk};

fn picture() -> RgbImage {
    RgbImage::from_pixel(28, 28, convscope::image::Rgb([90, 140, 200]))
}

#[test]
fn figures() {
    walk("view::figures", |walk| {
        for (name, tensor) in tensors() {
            of_values(walk, &name, &tensor);
        }
        // Values of the right number of dimensions, in every odd size.
        for shape in [[1, 1, 1], [0, 3, 3], [3, 0, 3], [100_000, 1, 1], [2, 1, 3000], [1, 3000, 1]]
        {
            let maps = Tensor::rand(shape, (Kind::Float, Device::Cpu));
            of_values(walk, &format!("{shape:?}"), &maps);
            of_values(walk, &format!("one more than {shape:?}"), &maps.unsqueeze(0));
            of_values(walk, &format!("the matrix of {shape:?}"), &maps.flatten(1, -1));
        }
        for name in names() {
            labels(walk, &name);
        }
        Ok(())
    });
}

fn of_values(walk: &mut Walk, name: &str, values: &Tensor) {
    walk.figure(format!("maps of {name}"), || FeatureMaps::new("t", values));
    walk.figure(format!("a batch of {name}"), || {
        FeatureMapsBatch::new("t", vec![("p".to_owned(), picture())], values)
    });
    walk.figure(format!("a difference of {name}"), || {
        let pictures = [("a".to_owned(), picture()), ("b".to_owned(), picture())];
        FeatureMaps::difference("t", pictures, values, values)
    });
    walk.figure(format!("filters of {name}"), || FilterGrid::new("t", values));
    walk.figure(format!("a heatmap of {name}"), || Heatmap::new("t", "unit", picture(), values));
    walk.figure(format!("boxes of {name}"), || {
        Ok(Heatmap::new("t", "unit", picture(), values)?.boxes(Boxes::Largest(0.5)))
    });
    walk.figure(format!("a journey of {name}"), || {
        Journey::new("t", picture(), vec![("layer".to_owned(), values)])
    });
    walk.figure(format!("a matrix of {name}"), || Matrix::new("t", "unit", vec!["a", "b"], values));
    walk.figure(format!("occlusion of {name}"), || {
        let grid = PatchGrid::new(9, 5, values, Vec::new())?;
        Occlusion::new("t", "unit", picture(), 0.5, vec![grid])
    });
    walk.figure(format!("points of {name}"), || Scatter::new("t", values));
    walk.figure(format!("layouts of {name}"), || {
        Scatter::layouts("t", &[("a", values), ("b", values)])
    });
    walk.figure(format!("classes of {name}"), || {
        let points = Tensor::rand([3, 2], (Kind::Float, Device::Cpu));
        Scatter::new("t", &points)?.classes(values, &["a"])
    });
}

/// One text at every place where a figure takes one.
fn labels(walk: &mut Walk, text: &str) {
    let maps = Tensor::rand([2, 4, 4], (Kind::Float, Device::Cpu));
    let what = format!("{text:.12}");
    walk.figure(&what, || Ok(Heatmap::new(text, text, picture(), maps.get(0))?.note(text)));
    walk.figure(&what, || FeatureMaps::new(text, &maps));
    walk.figure(&what, || Ok(Scatter::new(text, maps.get(0).narrow(1, 0, 2))?.note(text)));
    walk.figure(&what, || {
        let series = Series::new(text, vec![(0.0, 1.0), (1.0, 0.0)]);
        Ok(Curves::new(text, text, vec![Panel::new(text, vec![series])]).note(text))
    });
    walk.figure(&what, || {
        let guess = |class| Guess { class, name: text.to_owned(), probability: 0.5 };
        TopK::new(text, picture(), vec![guess(0), guess(usize::MAX)])
    });
    walk.figure(&what, || {
        let card = GalleryCard::new(picture(), text, text);
        Ok(Gallery::new(text, vec![GalleryRow::new(text, vec![card])])?.note(text))
    });
    walk.figure(&what, || {
        let frame = Frame::new(u64::MAX, picture());
        Ok(Film::new(text, vec![frame])?.step_label(text).note(text))
    });
    walk.figure(&what, || {
        Matrix::new(text, text, vec![text, text], Tensor::eye(2, (Kind::Float, Device::Cpu)))
    });
    walk.call(&what, || Bundle::still(&picture(), text).map(|bundle| bundle.entries()));
    walk.figure(&what, || {
        let map = Heatmap::new(text, text, picture(), maps.get(0))?;
        MapReport::new(text, text, map, Vec::new()).map(|report| report.note(text))
    });
}

#[test]
fn options() {
    walk("view::options", |walk| {
        let maps = Tensor::rand([3, 6, 5], (Kind::Float, Device::Cpu));
        let weight = Tensor::rand([4, 3, 3, 3], (Kind::Float, Device::Cpu));
        let feature_maps = || FeatureMaps::new("t", &maps);
        let batch =
            || FeatureMapsBatch::new("t", vec![("p".to_owned(), picture())], maps.unsqueeze(0));
        let heatmap = || Heatmap::new("t", "u", picture(), maps.get(0));
        let heatmaps = || Heatmaps::new("t", vec![("a", heatmap()?), ("b", heatmap()?)]);
        let journey = || Journey::new("t", picture(), vec![("layer".to_owned(), &maps)]);
        for count in COUNTS {
            walk.figure(format!("channel {count}"), || Ok(feature_maps()?.channels([count])));
            walk.figure(format!("strongest {count}"), || Ok(feature_maps()?.strongest(count)));
            walk.figure(format!("batch channel {count}"), || Ok(batch()?.channels([count, 0])));
            walk.figure(format!("batch strongest {count}"), || Ok(batch()?.strongest(count)));
            walk.figure(format!("filter {count}"), || {
                Ok(FilterGrid::new("t", &weight)?.filters([count]))
            });
            walk.figure(format!("input {count}"), || {
                Ok(FilterGrid::new("t", &weight)?.inputs([count]))
            });
            walk.figure(format!("columns {count}"), || Ok(heatmaps()?.columns(count)));
            walk.figure(format!("journey {count}"), || Ok(journey()?.maps(count)));
            walk.figure(format!("film {count}"), || {
                Ok(Film::new("t", vec![Frame::new(count as u64, picture()); 3])?.max_frames(count))
            });
            walk.figure(format!("neighbors {count}"), || {
                let points = Scatter::new("t", maps.get(0).narrow(1, 0, 2))?;
                points.neighbors(&vec![vec![count]; 6])
            });
            walk.call(format!("values {count}"), || Values::new(vec![count, 2], vec![0.0; 4]));
        }
        for pixels in PIXELS {
            walk.figure(format!("patch {pixels}"), || {
                let grid = PatchGrid::new(pixels, pixels, maps.get(0), Vec::new())?;
                let figure = Occlusion::new("t", "u", picture(), 0.5, vec![grid])?;
                Ok(figure.input_size(pixels, pixels).fill(0, 255, 1))
            });
            walk.figure(format!("input of {pixels}"), || Ok(heatmap()?.input_size(pixels, pixels)));
            let whole = BoundingBox::new(0, 0, pixels, pixels, "box");
            walk.call(format!("iou {pixels}"), || Ok((whole.iou(&whole), whole.area())));
            walk.figure(format!("box {pixels}"), || {
                Ok(heatmap()?.boxes(Boxes::Given(vec![whole.clone()])))
            });
            walk.figure(format!("region {pixels}"), || {
                let card = GalleryCard::new(picture(), "a", "b").region(whole.clone());
                Gallery::new("t", vec![GalleryRow::new("row", vec![card])])
            });
        }
        for real in REALS {
            walk.figure(format!("opacity {real}"), || Ok(heatmap()?.opacity(real)));
            walk.figure(format!("all opacities {real}"), || Ok(heatmaps()?.opacity(real)));
            walk.figure(format!("film rate {real}"), || {
                Ok(Film::new("t", vec![Frame::new(0, picture()); 3])?.frames_per_second(real))
            });
            walk.figure(format!("curve {real}"), || {
                let points = vec![(0.0, real), (real, 1.0), (1.0, 2.0)];
                let panel = Panel::new("p", vec![Series::new("s", points)]);
                Ok(Curves::new("t", "x", vec![panel]))
            });
            walk.figure(format!("logits {real}"), || {
                let guess = Guess { class: 0, name: "a".to_owned(), probability: real };
                Ok(TopK::new("t", picture(), vec![guess])?.logits([real]))
            });
            walk.call(format!("color {real}"), || Ok(ColorMap::default().at(real)));
            let values = [real as f32, 0.0, 1.0];
            walk.call(format!("scales {real}"), || {
                Ok((
                    ColorScale::magnitude(ColorMap::default(), &values),
                    ColorScale::signed(&values),
                    ColorScale::fitting(ColorMap::default(), &values),
                ))
            });
            walk.call(format!("localize {real}"), || heatmap()?.localize(real));
            walk.figure(format!("regions {real}"), || Ok(heatmap()?.boxes(Boxes::All(real))));
        }
        let many: Vec<String> = (0..3000).map(|at| at.to_string()).collect();
        walk.figure("a matrix of 3000 names", || {
            let values = Tensor::zeros([3000, 3000], (Kind::Float, Device::Cpu));
            Matrix::new("t", "u", many.clone(), &values)
        });
        Ok(())
    });
}
