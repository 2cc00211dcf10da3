//! Training a network of one's own: pictures with labels in, a trained network and its curves out.
//!
//! Made for the small networks of a course. The loop is PyTorch's usual one: shuffled batches,
//! cross-entropy, one of libtorch's optimizers under a learning-rate schedule.
//!
//! ```
//! use convscope::prelude::*;
//!
//! manual_seed(1);                                             // the parameters to start from
//! let mut b = Network::builder("small", [1, 28, 28]);
//! let x = b.conv2d(b.input(), "conv", Conv2d::new(6, 5).stride(2));
//! let x = b.relu(x, "relu");
//! let x = b.flatten(x, "flatten");
//! b.linear(x, "fc", 10);
//! let mut net = b.build()?;
//!
//! let data = Dataset::prepare(&net, &data::digits(400, 1)?)?;
//! let (train, test) = data.split(0.8)?;
//! let history = net.fit(&train, Fit::new(2).validate(&test).quiet())?;
//! assert_eq!(history.epochs().len(), 2);
//! assert!(net.accuracy(&test)? > 0.2);                        // guessing gives 0.1
//! history.save(std::env::temp_dir().join("history.png"))?;    // loss and accuracy per epoch
//! # Ok::<(), convscope::Error>(())
//! ```

mod accuracy;
mod course;
mod dataset;
mod fit;
mod history;
mod lesson;
mod training;

pub use dataset::Dataset;
pub use fit::{Fit, Optimizer, Schedule};
pub use history::{Epoch, History, Score};
