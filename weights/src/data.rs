//! The official files of data sets.

use std::path::{Path, PathBuf};

use crate::published::Published;
use crate::{Listener, Result};

/// One official file of a data set.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DataFile {
    /// Where it lies in the folder for data, and below a mirror: `mnist/t10k-labels-idx1-ubyte.gz`.
    /// The last part is the published name.
    pub path: &'static str,
    /// The file's size in 10⁶ bytes, rounded: to be shown, not to be relied on.
    pub megabytes: f64,
    /// The file's SHA-256, in hexadecimal.
    pub sha256: &'static str,
    /// The address below which it is published.
    site: &'static str,
}

/// All official files of data sets there are.
///
/// MNIST's authors no longer hand theirs out; the address is PyTorch's.
pub fn data_files() -> &'static [DataFile] {
    DATA_FILES
}

/// The official file of that path in the folder for data.
///
/// ```
/// let labels = convscope_weights::find_data("mnist/t10k-labels-idx1-ubyte.gz").expect("known");
/// let site = "https://ossci-datasets.s3.amazonaws.com/mnist/";
/// assert_eq!(labels.url(), format!("{site}t10k-labels-idx1-ubyte.gz"));
/// ```
pub fn find_data(path: &str) -> Option<&'static DataFile> {
    DATA_FILES.iter().find(|file| file.path == path)
}

impl DataFile {
    /// Where the file is published.
    pub fn url(&self) -> String {
        self.published().url()
    }

    /// The file in `folder`, fetched if it isn't there: by the same rules, and with the same errors, as
    /// [weights](crate::Official::obtain).
    pub fn obtain(&self, folder: &Path, listener: &dyn Listener) -> Result<PathBuf> {
        self.published().obtain(folder, listener)
    }

    fn published(&self) -> Published<'_> {
        let DataFile { path, megabytes, sha256, site } = *self;
        Published { site, path, sha256, megabytes: Some(megabytes) }
    }
}

const MNIST: &str = "https://ossci-datasets.s3.amazonaws.com/mnist/";
/// Its authors' own repository. Their other address offers no TLS, which many proxies insist on.
const FASHION: &str = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/";
const CIFAR: &str = "https://www.cs.toronto.edu/~kriz/";

const DATA_FILES: &[DataFile] = &[
    DataFile {
        path: "mnist/train-images-idx3-ubyte.gz",
        megabytes: 9.9,
        sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        site: MNIST,
    },
    DataFile {
        path: "mnist/train-labels-idx1-ubyte.gz",
        megabytes: 0.03,
        sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        site: MNIST,
    },
    DataFile {
        path: "mnist/t10k-images-idx3-ubyte.gz",
        megabytes: 1.6,
        sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        site: MNIST,
    },
    DataFile {
        path: "mnist/t10k-labels-idx1-ubyte.gz",
        megabytes: 0.005,
        sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        site: MNIST,
    },
    DataFile {
        path: "fashion-mnist/train-images-idx3-ubyte.gz",
        megabytes: 26.4,
        sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        site: FASHION,
    },
    DataFile {
        path: "fashion-mnist/train-labels-idx1-ubyte.gz",
        megabytes: 0.03,
        sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        site: FASHION,
    },
    DataFile {
        path: "fashion-mnist/t10k-images-idx3-ubyte.gz",
        megabytes: 4.4,
        sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        site: FASHION,
    },
    DataFile {
        path: "fashion-mnist/t10k-labels-idx1-ubyte.gz",
        megabytes: 0.005,
        sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        site: FASHION,
    },
    DataFile {
        path: "cifar-10-binary.tar.gz",
        megabytes: 170.1,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        site: CIFAR,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn paths_and_checksums_are_whole_and_unique() {
        let all = |of: fn(&DataFile) -> &str| DATA_FILES.iter().map(of).collect::<BTreeSet<_>>();
        assert_eq!(all(|file| file.path).len(), DATA_FILES.len());
        assert_eq!(all(|file| file.sha256).len(), DATA_FILES.len());
        for file in DATA_FILES {
            assert_eq!(file.sha256.len(), 64, "{file:?}");
            assert!(file.sha256.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')), "{file:?}");
            assert!(file.site.ends_with('/'), "{file:?}");
        }
    }

    #[test]
    fn a_path_in_the_folder_is_not_part_of_the_address() {
        let images = find_data("fashion-mnist/train-images-idx3-ubyte.gz").expect("known");
        assert_eq!(images.url(), [FASHION, "train-images-idx3-ubyte.gz"].concat());
        assert!(find_data("train-images-idx3-ubyte.gz").is_none());
    }
}
