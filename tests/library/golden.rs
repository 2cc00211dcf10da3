//! Comparing figures with the pictures in tests/golden, and showing that the comparison can fail.
//!
//! `UPDATE_GOLDEN=1 cargo test --test library golden` draws the pictures anew; look at them.

use std::fmt::{Display, Formatter};

use convscope::prelude::*;
use image::{Rgb, RgbImage};

use crate::helpers::{Tested, root, scratch};

/// Where the pictures were drawn. Elsewhere the mathematical functions of the system and libtorch's
/// kernels may round differently.
const REFERENCE: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// The side of the blocks in which pictures are compared that need not be equal, in pixels.
const BLOCK: u32 = 16;

/// How much a block may differ on average, in shades of 255. Text in 16 shades instead of 256, which
/// nobody sees, is 1.8; the faintest of what is erased below 4.8; a line moved by a pixel 13.
const MOST: f64 = 3.0;

/// Compares with `tests/golden/NAME.png`.
pub fn golden(name: &str, figure: &impl Figure) -> Tested {
    let path = root().join("tests/golden").join(format!("{name}.png"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        figure.save(&path)?;
        return Ok(());
    }
    let expected = image::open(&path)?.to_rgb8();
    if let Err(why) = compare(&figure.image()?, &expected, REFERENCE) {
        let drawn = scratch(&format!("golden_{name}")).join("drawn.png");
        figure.save(&drawn)?;
        let why = format!("{name}: {why}; look at {}", drawn.display());
        return Err(format!("{why}, and if it is right, renew with UPDATE_GOLDEN=1").into());
    }
    Ok(())
}

/// Whether a picture is the expected one: to the last shade, or in each block on average.
fn compare(drawn: &RgbImage, expected: &RgbImage, exact: bool) -> Result<(), String> {
    if drawn.dimensions() != expected.dimensions() {
        let size = |picture: &RgbImage| format!("{}×{}", picture.width(), picture.height());
        return Err(format!("{} pixels, expected {}", size(drawn), size(expected)));
    }
    if drawn.as_raw() == expected.as_raw() {
        return Ok(());
    }
    let difference = Difference::between(drawn, expected);
    if !exact && difference.worst < MOST {
        return Ok(());
    }
    Err(difference.to_string())
}

/// How two pictures of one size differ.
#[derive(Default)]
struct Difference {
    pixels: u32,
    /// The block with the largest mean difference: its corner, and where it ends.
    block: [u32; 4],
    worst: f64,
}

impl Difference {
    fn between(a: &RgbImage, b: &RgbImage) -> Self {
        let (width, height) = a.dimensions();
        let across = width.div_ceil(BLOCK);
        let mut sums = vec![0u32; (across * height.div_ceil(BLOCK)) as usize];
        let mut pixels = 0;
        let row = 3 * width as usize;
        for (y, (a, b)) in a.as_raw().chunks(row).zip(b.as_raw().chunks(row)).enumerate() {
            let first = y / BLOCK as usize * across as usize;
            let chunks = a.chunks(3 * BLOCK as usize).zip(b.chunks(3 * BLOCK as usize));
            for (sum, (a, b)) in sums[first..].iter_mut().zip(chunks).filter(|(_, (a, b))| a != b) {
                *sum += a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>();
                pixels += a.chunks(3).zip(b.chunks(3)).filter(|(a, b)| a != b).count() as u32;
            }
        }
        let mut found = Self { pixels, ..Self::default() };
        for (sum, at) in sums.into_iter().zip(0..) {
            let (left, top) = (at % across * BLOCK, at / across * BLOCK);
            let (right, bottom) = ((left + BLOCK).min(width), (top + BLOCK).min(height));
            let mean = f64::from(sum) / f64::from(3 * (right - left) * (bottom - top));
            if mean > found.worst {
                (found.worst, found.block) = (mean, [left, top, right, bottom]);
            }
        }
        found
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        let Self { pixels, worst, block: [left, top, right, bottom] } = self;
        write!(
            f,
            "{pixels} pixels differ, most in the block x {left}..{right}, y {top}..{bottom}: by \
             {worst:.3} shades on average"
        )
    }
}

/// A part of a picture: from `left` and `top` up to `right` and `bottom`.
#[derive(Clone, Copy)]
struct Part {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl Part {
    /// A copy of the picture with the background's color here, and how many pixels changed.
    fn erased(self, picture: &RgbImage) -> (RgbImage, usize) {
        let (mut without, background) = (picture.clone(), picture.get_pixel(0, 0));
        let row = 3 * picture.width() as usize;
        let mut changed = 0;
        for row in without.chunks_mut(row).take(self.bottom as usize).skip(self.top as usize) {
            let part = &mut row[3 * self.left as usize..3 * self.right as usize];
            for pixel in part.chunks_mut(3).filter(|pixel| *pixel != background.0) {
                pixel.copy_from_slice(&background.0);
                changed += 1;
            }
        }
        (without, changed)
    }
}

/// The first two bands of rows that have ink: each starts and ends where a row is blank.
fn first_bands(picture: &RgbImage) -> [(u32, u32); 2] {
    let background = picture.get_pixel(0, 0);
    let row = 3 * picture.width() as usize;
    let blank: Vec<u8> = background.0.iter().copied().cycle().take(row).collect();
    let inked: Vec<bool> = picture.as_raw().chunks_exact(row).map(|row| row != blank).collect();
    let next = |from: u32, inked_there: bool| -> u32 {
        let rest = inked.iter().skip(from as usize);
        from + rest.take_while(|&&here| here != inked_there).count() as u32
    };
    let band = |from| {
        let top = next(from, true);
        (top, next(top, false))
    };
    let title = band(0);
    [title, band(title.1)]
}

/// Figures without a line under their title.
const NO_NOTE: [&str; 9] = [
    "curves_many",
    "film",
    "gallery_rows",
    "heatmap_blocky",
    "heatmap_signed",
    "map_report",
    "occlusion",
    "scatter_layouts",
    "segmentation_many",
];

/// What a figure could lose without anybody noticing, if the comparison were too lenient: its title,
/// the line under it, and the labels at its right edge.
#[test]
fn what_is_erased_is_noticed() -> Tested {
    let mut without_note = Vec::new();
    let mut least = [f64::INFINITY; 3];
    let mut pictures = 0;
    let mut paths: Vec<_> = std::fs::read_dir(root().join("tests/golden"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    paths.sort();
    for path in &paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let picture = image::open(path)?.to_rgb8();
        let (width, height) = picture.dimensions();
        compare(&picture, &picture, true)?;
        pictures += 1;

        let [title, second] = first_bands(&picture);
        assert!(
            (14..=18).contains(&title.0) && (10..=20).contains(&(title.1 - title.0)),
            "{name}: a line of large text below the margin, not rows {title:?}"
        );
        let rows = |(top, bottom)| Part { left: 0, top, right: width, bottom };
        // What follows a title at once, and is as high as small text, is the note.
        let noted = second.0 - title.1 < 15 && (8..=15).contains(&(second.1 - second.0));
        if !noted {
            println!("{name} has no note: not erased");
            without_note.push(name.clone());
        }
        let right = Part { left: width.saturating_sub(45), top: 0, right: width, bottom: height };
        // Bars of names end before it.
        let right = (name != "names").then_some(right);
        let parts = [Some(rows(title)), noted.then(|| rows(second)), right];
        for ((part, what), least) in
            parts.into_iter().zip(["title", "note", "right edge"]).zip(&mut least)
        {
            let Some(part) = part else { continue };
            let (without, changed) = part.erased(&picture);
            assert!(changed > 20, "{name}: {changed} pixels of ink in the {what}");
            *least = least.min(Difference::between(&without, &picture).worst);
            for exact in [true, false] {
                let why = compare(&without, &picture, exact).expect_err(&format!(
                    "{name}: nobody notices that the {what} is erased (exact: {exact})"
                ));
                assert!(why.starts_with(&format!("{changed} pixels differ")), "{why}");
            }
        }
    }
    println!(
        "{pictures} pictures; the worst block of the least title, note, right edge: {least:.1?}"
    );
    assert_eq!(without_note, NO_NOTE, "the figures without a note");
    assert!(pictures > 30, "{paths:?}");
    Ok(())
}

#[test]
fn a_difference_is_found_where_it_is() -> Tested {
    // Neither side is a multiple of the blocks'.
    let expected = RgbImage::from_fn(50, 37, |x, y| Rgb([x as u8, y as u8, 7]));
    let mut drawn = expected.clone();
    drawn.put_pixel(49, 36, Rgb([49, 36, 8]));
    compare(&drawn, &expected, false)?;
    assert_eq!(
        compare(&drawn, &expected, true),
        Err("1 pixels differ, most in the block x 48..50, y 32..37: by 0.033 shades on average"
            .to_owned())
    );
    // The same block as a whole, by as much as is allowed and by a little more.
    for (shades, passes) in [(2, true), (3, false)] {
        for (x, y) in (48..50).flat_map(|x| (32..37).map(move |y| (x, y))) {
            let Rgb(there) = *expected.get_pixel(x, y);
            drawn.put_pixel(x, y, Rgb(there.map(|value| value + shades)));
        }
        assert_eq!(compare(&drawn, &expected, false).is_ok(), passes, "{shades} shades");
    }
    let other = RgbImage::new(37, 50);
    let why = compare(&other, &expected, false).expect_err("another size");
    assert_eq!(why, "37×50 pixels, expected 50×37");
    Ok(())
}
