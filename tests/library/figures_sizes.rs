//! Figures of sizes that nobody could look at: a sentence, or the part that can be seen.

use convscope::prelude::*;
use convscope::view::{
    BoundingBox, Boxes, FeatureMaps, FeatureMapsBatch, FilterGrid, Gallery, GalleryCard,
    GalleryRow, Guess, Heatmap, Matrix, TopK, Values,
};
use image::RgbImage;

use crate::helpers::{Tested, painted};

fn picture() -> RgbImage {
    painted(8, 8).pixels().clone()
}

fn refused(figure: &impl Figure) -> String {
    let said = figure.image().expect_err("too large").to_string();
    assert!(said.len() < 300 && figure.bundle().is_err(), "{said}");
    said
}

#[test]
fn a_canvas_that_would_not_fit_is_refused() -> Tested {
    // Of 3,000 names 60 GB of pixels were asked for.
    let names: Vec<String> = (0..3000).map(|name| name.to_string()).collect();
    let matrix = Matrix::new("many", "u", names, Values::new([3000, 3000], vec![0.5; 9_000_000])?)?;
    let said = refused(&matrix);
    assert!(said.contains("174") && said.contains("at most 40 million"), "{said}");

    let cards = vec![GalleryCard::new(picture(), "a", "b"); 20_000];
    refused(&Gallery::new("many", vec![GalleryRow::new("", cards)])?);
    Ok(())
}

#[test]
fn of_many_channels_and_guesses_the_first_are_drawn() -> Tested {
    let maps = FeatureMaps::new("m", Values::new([100_000, 1, 1], vec![1.0; 100_000])?)?;
    assert!(maps.image()?.height() < 10_000);
    assert!(maps.description().contains("4096 of 100000 channels"), "{maps:?}");
    assert!(maps.clone().strongest(usize::MAX).image().is_ok());
    assert!(maps.channels(0..usize::MAX).image()?.height() < 10_000);
    let filters = FilterGrid::new("f", Values::new([100_000, 1, 1, 1], vec![1.0; 100_000])?)?;
    assert!(filters.image()?.height() < 10_000);
    refused(&filters.filters(0..usize::MAX).inputs(0..1));
    let values = Values::new([1, 100_000, 1, 1], vec![1.0; 100_000])?;
    let batch = FeatureMapsBatch::new("b", vec![("p".to_owned(), picture())], values)?;
    assert!(batch.strongest(usize::MAX).image().is_err());
    let guess = |class: usize| Guess { class, name: class.to_string(), probability: 1e-4 };
    let top = TopK::new("t", picture(), (0..50_000).map(guess).collect())?;
    assert!(top.image()?.height() < 5_000 && top.guesses().len() == 50_000);
    assert!(top.description().len() < 3_000);
    let (net, three) = (zoo::digits()?, data::digit(3, 1)?);
    assert_eq!(net.classify_with(&three, usize::MAX)?.guesses().len(), 10);
    Ok(())
}

#[test]
fn boxes_of_any_numbers_are_drawn_or_refused() -> Tested {
    let most = u32::MAX;
    let whole = BoundingBox::new(0, 0, most, most, "whole");
    assert_eq!(whole.iou(&whole), 1.0);
    let values = Values::new([2, 2], vec![0.0, 1.0, 2.0, 3.0])?;
    let map = || Heatmap::new("m", "u", picture(), &values);
    map()?.boxes(Boxes::Given(vec![whole.clone()])).bundle()?;
    assert!(
        map()?.boxes(Boxes::Given(vec![BoundingBox::new(9, 9, most, most, "")])).image().is_err()
    );
    let vast = map()?.input_size(most, most);
    assert!(vast.localize(0.5).is_err() && vast.boxes(Boxes::All(0.5)).image().is_err());
    for region in [whole, BoundingBox::new(most, most, 0, 0, ""), BoundingBox::new(7, 7, 7, 7, "")]
    {
        let card = GalleryCard::new(picture(), "a", "b").region(region);
        Gallery::new("g", vec![GalleryRow::new("", vec![card])])?.image()?;
    }
    Ok(())
}

#[test]
fn texts_of_any_length_stay_in_their_room() -> Tested {
    let (words, word) = ("long ".repeat(10_000), "w".repeat(50_000));
    for text in [&words, &word] {
        let values = Values::new([1, 1], vec![1.0])?;
        let figure = Heatmap::new(text, text, picture(), &values)?.note(text).note(text);
        let image = figure.image()?;
        assert!(image.width() < 1200 && image.height() < 1200, "{:?}", image.dimensions());
        let right = image.width() - 1;
        assert!((0..image.height()).all(|y| image.get_pixel(right, y).0 == [255; 3]), "no ink");
    }
    Ok(())
}
