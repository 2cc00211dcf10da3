//! Numbers whose sums and products fit, unless a file is broken; then they may be any. Without the checks
//! that a development build, as notebooks make it, has at every step: here these take most of the time.

use std::ops::{Add, Mul, Neg, Shl, Shr, Sub};

#[derive(Clone, Copy)]
pub(super) struct Number(pub i32);

impl Number {
    /// A fraction, times 2 to the power of `bits`.
    pub(super) const fn fixed(value: f64, bits: i32) -> Number {
        Number((value * (1 << bits) as f64 + 0.5) as i32)
    }

    /// As a byte; the nearest where it is beyond.
    #[inline(always)]
    pub(super) fn byte(self) -> u8 {
        self.0.clamp(0, 255) as u8
    }
}

/// An operator, computed by a method of integers that wraps around.
macro_rules! wrapping {
    ($($operator:ident $name:ident $method:ident),+) => {$(
        impl $operator for Number {
            type Output = Number;

            #[inline(always)]
            fn $name(self, other: Number) -> Number {
                Number(self.0.$method(other.0))
            }
        }
    )+};
}
wrapping!(Add add wrapping_add, Sub sub wrapping_sub, Mul mul wrapping_mul);

impl Neg for Number {
    type Output = Number;

    #[inline(always)]
    fn neg(self) -> Number {
        Number(self.0.wrapping_neg())
    }
}

impl Shl<i32> for Number {
    type Output = Number;

    #[inline(always)]
    fn shl(self, bits: i32) -> Number {
        Number(self.0.wrapping_shl(bits as u32))
    }
}

impl Shr<i32> for Number {
    type Output = Number;

    #[inline(always)]
    fn shr(self, bits: i32) -> Number {
        Number(self.0.wrapping_shr(bits as u32))
    }
}
