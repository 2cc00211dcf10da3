//! One panel of curves: axes, grid and lines, through plotters.

use image::{Rgb, RgbImage, imageops};
use plotters::prelude::{
    BitMapBackend, ChartBuilder, Circle, Color, FontStyle, IntoDrawingArea, PathElement, RGBColor,
};
use plotters::style::{ShapeStyle, TextStyle, register_font};

use super::axis::Axis;
use super::canvas::{LINE, SOFT, Style, WHITE};
use super::curves::{Legend, Panel};
use crate::{Error, Result};

/// Plots are drawn at so many times their size and reduced, which smooths the lines.
const OVER: u32 = 4;
const GRID: Rgb<u8> = Rgb([228; 3]);
const LINE_WIDTH: u32 = 5 * OVER / 2;

/// What a plot leaves free above, right of and below its axes, rounded to whole pixels.
pub(super) const TOP: u32 = 9;
pub(super) const RIGHT: u32 = 19;
pub(super) const BELOW: u32 = 25;

/// The same on the left, for the labels of this axis.
pub(super) fn left(y: &Axis) -> u32 {
    let labels = y.ticks.iter().map(|&tick| Style::NOTE.width(&y.label(tick))).max();
    labels.unwrap_or_default() + 12
}

/// The plot with its tick labels, in this width and height.
pub(super) fn plot(
    panel: &Panel,
    x: &Axis,
    legend: &Legend,
    (width, height): (u32, u32),
) -> Result<RgbImage> {
    let size = (OVER * width, OVER * height);
    let mut pixels = vec![255; 3 * size.0 as usize * size.1 as usize];
    draw(panel, x, legend, &mut pixels, size)
        .map_err(|error| Error::figure("drawn")(error.to_string()))?;
    let large = RgbImage::from_raw(size.0, size.1, pixels).unwrap_or_default();
    Ok(imageops::thumbnail(&large, width, height))
}

fn draw(
    panel: &Panel,
    x: &Axis,
    legend: &Legend,
    pixels: &mut [u8],
    size: (u32, u32),
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    const FONT: &str = "sans-serif";
    register_font(FONT, FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_| "the font is damaged")?;
    let y = panel.y_axis();
    let area = BitMapBackend::with_buffer(pixels, size).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin_top(OVER * Style::NOTE.line() / 2)
        .margin_right(OVER * RIGHT)
        .x_label_area_size(OVER * BELOW)
        .y_label_area_size(OVER * left(&y))
        .build_cartesian_2d(x.clone(), y)?;
    let text = (FONT, f64::from(OVER) * f64::from(Style::NOTE.size));
    chart
        .configure_mesh()
        .bold_line_style(stroke(GRID, OVER))
        .light_line_style(stroke(WHITE, 0))
        .axis_style(stroke(LINE, OVER))
        .label_style(TextStyle::from(text).color(&plain(SOFT)))
        .draw()?;
    // The first curve lies over the others.
    for series in panel.series.iter().rev() {
        let color = legend.color(&series.name);
        for run in series.runs() {
            // Piece by piece with round joints: plotters' own reach far beyond a sharp turn.
            let piece = |ends: &[(f64, f64)]| PathElement::new(ends, stroke(color, LINE_WIDTH));
            chart.draw_series(run.windows(2).map(piece))?;
            let dotted = run.len() == 1 || series.has_dots();
            let radius = if dotted { 7 * OVER / 2 } else { LINE_WIDTH / 2 };
            let dot = |&at: &(f64, f64)| Circle::new(at, radius, plain(color).filled());
            chart.draw_series(run.iter().map(dot))?;
        }
    }
    area.present()?;
    Ok(())
}

fn plain(Rgb([r, g, b]): Rgb<u8>) -> RGBColor {
    RGBColor(r, g, b)
}

fn stroke(color: Rgb<u8>, width: u32) -> ShapeStyle {
    plain(color).stroke_width(width)
}
