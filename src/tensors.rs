//! Between tensors and the plain numbers of figures: the only place that knows both.

use tch::{Device, Kind, Tensor};

use crate::limits::check_memory;
use crate::view::{IntoClasses, IntoValues, Values};
use crate::{Error, Result};

impl IntoValues for &Tensor {
    fn into_values(self) -> Result<Values> {
        let failed = || Error::torch("reading the figure's values");
        let bytes = (self.numel() as u64).saturating_mul(4);
        check_memory("reading the figure's values", bytes, Device::Cpu)?;
        let numbers = self
            .f_detach()
            .and_then(|v| v.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_reshape([-1]));
        let numbers = numbers.and_then(Vec::try_from).map_err(failed())?;
        let shape: Vec<usize> = self.size().into_iter().map(|size| size as usize).collect();
        Values::new(shape, numbers)
    }
}

impl IntoValues for Tensor {
    fn into_values(self) -> Result<Values> {
        (&self).into_values()
    }
}

impl IntoClasses for &Tensor {
    fn into_classes(self) -> Result<Vec<i64>> {
        let classes = self.f_reshape([-1]).and_then(|classes| classes.f_to_kind(Kind::Int64));
        classes.and_then(Vec::try_from).map_err(Error::torch("reading classes"))
    }
}

impl Values {
    /// The numbers as a tensor of the same shape, float32 on the CPU.
    #[allow(clippy::disallowed_methods, reason = "there are as many numbers as the shape says")]
    pub fn tensor(&self) -> Tensor {
        let shape: Vec<i64> = self.shape().iter().map(|&size| size as i64).collect();
        Tensor::from_slice(self.numbers()).view(shape.as_slice())
    }
}
