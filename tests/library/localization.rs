//! How large the strong part of a map is, and its box beside the true one.

use convscope::prelude::*;
use convscope::view::Heatmap;

use crate::helpers::{Tested, cpu};

/// 8 high, 20 wide, in an input of the same size: a strong block of 3×5 and a single strong value.
fn map() -> convscope::Result<Heatmap> {
    let values = Tensor::zeros([8, 20], cpu(Kind::Float));
    let _ = values.narrow(0, 2, 3).narrow(1, 10, 5).fill_(1.0);
    let _ = values.narrow(0, 7, 1).narrow(1, 0, 1).fill_(0.8);
    let _ = values.narrow(0, 0, 1).narrow(1, 19, 1).fill_(-9.0);
    Heatmap::new("block", "value", image::RgbImage::new(20, 8), &values)
}

#[test]
fn areas_are_shares_of_the_picture() -> Tested {
    let strong = map()?.localize(0.5)?;
    assert_eq!(strong.bounding_box, Some(BoundingBox::new(10, 2, 15, 5, "≥ 50 %")));
    assert_eq!((strong.area, strong.box_area), (16.0 / 160.0, 15.0 / 160.0));
    let strongest = map()?.localize(1.0)?;
    assert_eq!(strongest.area, 15.0 / 160.0, "the single value doesn't reach it");

    let blank = Tensor::zeros([8, 20], cpu(Kind::Float));
    let blank =
        Heatmap::new("blank", "value", image::RgbImage::new(20, 8), &blank)?.localize(0.2)?;
    assert_eq!((blank.area, blank.box_area, blank.bounding_box), (0.0, 0.0, None));
    for threshold in [0.0, -1.0, 1.1, f64::NAN] {
        assert!(map()?.localize(threshold).is_err(), "{threshold}");
    }
    Ok(())
}

#[test]
fn boxes_are_compared_by_intersection_over_union() -> Tested {
    let found = BoundingBox::new(10, 2, 15, 5, "");
    assert_eq!(found.area(), 15);
    assert_eq!(found.iou(&found), 1.0);
    assert_eq!(found.iou(&BoundingBox::new(12, 0, 20, 4, "")), 6.0 / 41.0);
    assert_eq!(found.iou(&BoundingBox::new(15, 2, 18, 5, "")), 0.0, "side by side");
    assert_eq!(found.iou(&BoundingBox::new(0, 0, 0, 0, "")), 0.0);
    let turned = BoundingBox::new(9, 9, 3, 3, "from right to left");
    assert_eq!((turned.area(), turned.iou(&turned)), (0, 0.0));
    assert_eq!(map()?.localize(0.5)?.iou(&found), 1.0);
    Ok(())
}

/// On a map smaller than the input, after it was enlarged.
#[test]
fn a_small_map_is_enlarged_before_it_is_measured() -> Tested {
    let values = Tensor::from_slice(&[1f32, 0., 0., 0.]).view([2, 2]);
    let map = Heatmap::new("corner", "value", image::RgbImage::new(40, 20), &values)?;
    let strong = map.localize(0.5)?;
    // Bilinearly, the half lies half way between the centers: at the middle of each side.
    let found = strong.bounding_box.clone().ok_or("a box")?;
    assert_eq!((found.left, found.top, found.right, found.bottom), (0, 0, 20, 10));
    assert!(strong.area < strong.box_area && strong.area > 0.5 * strong.box_area);
    Ok(())
}
