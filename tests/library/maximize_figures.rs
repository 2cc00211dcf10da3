//! Figures of activation maximization, and the photos that excite a unit.

use convscope::prelude::*;

use crate::golden::golden;
use crate::helpers::{Tested, painted, scratch};
use crate::maximize::close;

#[test]
fn figures_of_one_of_many_and_of_layers() -> Tested {
    let net = zoo::digits()?;
    let folder = scratch("maximize_figures");
    let brief = Maximize::classic().steps(12).frames(4).quiet();
    let one = brief.run(&net, Unit::channel("conv2", 5))?;
    assert_eq!(one.film()?.frames().len(), 5);
    assert!(one.bundle()?.vega.is_some(), "a film moves");
    one.save(folder.join("one.gif"))?;
    assert_eq!(one.photo()?.pixels().dimensions(), (28, 28));
    let many = brief.units(&net, "conv2", &[1, 5, 7])?;
    assert!(many.bundle()?.vega.is_none());
    assert_eq!(many.film()?.frames()[0].image.dimensions(), (58, 58));
    assert!(many.description().starts_with("Maximizing 3 channels of conv2 in digits"));
    let depth =
        brief.depth(&net, &[("conv1", vec![0, 1]), ("conv2", vec![2, 3, 4]), ("fc1", vec![5])])?;
    assert_eq!(depth.len(), 6);
    depth.save(folder.join("depth.png"))?;
    Ok(())
}

#[test]
fn galleries_golden() -> Tested {
    use convscope::view::{BoundingBox, Gallery, GalleryCard, GalleryRow};
    let card = |index: u64, region: bool| {
        let picture = data::digit((index % 10) as u8, index).expect("a digit").pixels().clone();
        let card =
            GalleryCard::new(picture, index.to_string(), format!("{:.2}", index as f64 * 1.7));
        if region { card.region(BoundingBox::new(5, 8, 21, 24, "unit")) } else { card }
    };
    let few = GalleryRow::new("", (0..3).map(|i| card(i, true)).collect());
    golden("gallery", &Gallery::new("Three that excite a unit", vec![few])?.note("a note"))?;
    let wide = painted(60, 34).pixels().clone();
    let row = |name: &str, count: u64| {
        let mut cards: Vec<GalleryCard> = (0..count).map(|i| card(i, false)).collect();
        cards.push(GalleryCard::new(wide.clone(), "a label that is far too long", "last"));
        GalleryRow::new(name, cards)
    };
    let rows = vec![row("conv1: a unit sees 5 pixels each way", 4), row("conv2", 30)];
    golden("gallery_rows", &Gallery::new("Rows", rows)?)?;
    assert!(Gallery::new("none", Vec::new()).is_err());
    let blank = GalleryCard::new(image::RgbImage::new(0, 3), "", "");
    assert!(Gallery::new("blank", vec![GalleryRow::new("", vec![blank])]).is_err());
    Ok(())
}

#[test]
fn examples_are_the_photos_that_excite_most_with_what_did() -> Tested {
    let net = zoo::digits()?;
    let photos: Vec<Photo> = data::digits(50, 3)?.into_iter().map(|(photo, _)| photo).collect();
    let best = dataset_examples(&net, Unit::channel("relu1", 4), &photos, 5)?;
    let mut all = Vec::new();
    for (index, photo) in photos.iter().enumerate() {
        let map = net.activations(&net.prepare(photo)?, &["relu1"])?.remove(0).get(0).get(4);
        all.push((map.max().double_value(&[]), index, map.argmax(None, false).int64_value(&[])));
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (example, (score, index, place)) in best.examples().iter().zip(&all) {
        assert_eq!(example.index, *index);
        close(example.score, *score);
        let region = example.region.as_ref().expect("a unit of conv1 sees 5×5");
        assert_eq!((i64::from(region.top), i64::from(region.left)), (place / 24, place % 24));
        assert_eq!((region.bottom - region.top, region.right - region.left), (5, 5));
    }
    assert_eq!(best.examples().len(), 5);
    best.save(scratch("examples").join("best.png"))?;
    let class = dataset_examples(&net, Unit::channel("fc2", 8), &photos, 3)?;
    assert!(class.examples().iter().all(|e| e.index % 10 == 8 && e.region.is_none()));

    let folder = scratch("examples_folder");
    for (index, photo) in photos.iter().take(20).enumerate() {
        photo.pixels().save(folder.join(format!("{index:02}.png")))?;
    }
    std::fs::write(folder.join("notes.txt"), "no picture")?;
    let there = dataset_examples(&net, Unit::channel("fc2", 8), &data::Folder::open(&folder)?, 2)?;
    assert_eq!(there.examples().iter().map(|e| e.title.as_str()).collect::<Vec<_>>().len(), 2);
    assert!(there.examples().iter().all(|e| ["08.png", "18.png"].contains(&e.title.as_str())));
    assert!(data::Folder::open(folder.join("no")).is_err());
    let none = Vec::<Photo>::new();
    assert!(dataset_examples(&net, Unit::layer("fc2"), &none, 2).is_err());
    assert!(dataset_examples(&net, Unit::channel("fc2", 10), &photos, 2).is_err());
    assert!(dataset_examples(&net, Unit::neuron("relu1", 1, [24, 0]), &photos, 2).is_err());
    Ok(())
}
