//! Loops over pixels with the wide instructions of the processor at hand.

/// Functions that are compiled a second time for x86 processors with AVX2, and run in that form where
/// there is one. What they call in their loops has to be inlined.
macro_rules! vectorized {
    ($(
        $(#[$attribute:meta])*
        $visible:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block
    )+) => {$(
        $(#[$attribute])*
        #[allow(unsafe_code, reason = "a function for AVX2 can only be called so")]
        $visible fn $name($($argument: $kind),*) $(-> $result)? {
            #[inline(always)]
            fn usual($($argument: $kind),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn wide($($argument: $kind),*) $(-> $result)? {
                    usual($($argument),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has AVX2.
                    return unsafe { wide($($argument),*) };
                }
            }
            usual($($argument),*)
        }
    )+};
}
pub(crate) use vectorized;
