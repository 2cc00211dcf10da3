//! What a network makes of a picture where that is no row of classes: a class for each pixel, boxes with labels.

mod detect;
mod segment;
