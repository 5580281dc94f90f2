//! Tells what is learnt on the way through a picture (T.87, annex A): a context for each kind of neighbourhood.

use super::bits::Bits;

/// Says what stays the same in a scan; T.87, tables C.1 to C.3 and A.2.1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameters {
    pub(super) largest: i32,
    pub(super) near: i32,
    thresholds: [i32; 3],
    reset: i32,
    range: i32,
    quantised_bits: u32,
    limit: u32,
}

impl Parameters {
    /// - `thresholds`, `reset`: 0 for the default
    pub(super) fn new(largest: i32, near: i32, thresholds: [i32; 3], reset: i32) -> Result<Self, String> {
        let clamp = |value: i32, low: i32| if value > largest || value < low { low } else { value };
        let choose = |given: i32, default: i32| if given == 0 { default } else { given };
        let [b1, b2, b3] = if largest >= 128 {
            let factor = (largest.min(4095) + 128) / 256;
            [factor + 2 + 3 * near, 4 * factor + 3 + 5 * near, 17 * factor + 4 + 7 * near]
        } else {
            let factor = 256 / (largest + 1);
            [2.max(3 / factor + 3 * near), 3.max(7 / factor + 5 * near), 4.max(21 / factor + 7 * near)]
        };
        let t1 = choose(thresholds[0], clamp(b1, near + 1));
        let t2 = choose(thresholds[1], clamp(b2, t1));
        let t3 = choose(thresholds[2], clamp(b3, t2));
        let reset = choose(reset, 64);
        if !(near < t1 && t1 <= t2 && t2 <= t3 && t3 <= largest) || reset < 3 {
            return Err(format!("thresholds {t1}, {t2}, {t3}, reset {reset}"));
        }
        let range = (largest + 2 * near) / (2 * near + 1) + 1;
        let bits = 2.max(bits_for(largest + 1));
        let (quantised_bits, limit) = (bits_for(range), 2 * (bits + 8.max(bits)));
        Ok(Self { largest, near, thresholds: [t1, t2, t3], reset, range, quantised_bits, limit })
    }

    /// A difference of neighbours as one of nine steps, -4 to 4 (A.3.3).
    fn step(&self, difference: i32) -> i32 {
        let [t1, t2, t3] = self.thresholds;
        let size = difference.abs();
        let step = match size {
            _ if size <= self.near => 0,
            _ if size < t1 => 1,
            _ if size < t2 => 2,
            _ if size < t3 => 3,
            _ => 4,
        };
        step * difference.signum()
    }

    /// Refuses what no encoder writes, before it is reckoned with.
    fn possible(&self, error: i32) -> Result<(), String> {
        if error.abs() <= self.range { Ok(()) } else { Err("an error larger than any sample".to_owned()) }
    }

    /// The value that a prediction and its error stand for (A.4.5, A.8).
    fn restore(&self, predicted: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut value = predicted + error * step;
        if value < -self.near {
            value += self.range * step;
        } else if value > self.largest + self.near {
            value -= self.range * step;
        }
        value.clamp(0, self.largest)
    }
}

/// The smallest number of bits that tells so many values apart.
const fn bits_for(values: i32) -> u32 {
    32 - (values - 1).leading_zeros()
}

/// The letters of T.87, A.2.1; `b` counts the negative errors (Nn) in the contexts of interrupted runs.
#[derive(Clone, Copy)]
struct Context {
    a: i64,
    b: i32,
    c: i32,
    n: i32,
}

/// All contexts of a scan: 365 for samples, two for interrupted runs.
pub(super) struct Contexts {
    pub(super) parameters: Parameters,
    regular: Vec<Context>,
    interrupted: [Context; 2],
}

impl Contexts {
    pub(super) fn new(parameters: Parameters) -> Self {
        let fresh = Context { a: i64::from(2.max((parameters.range + 32) / 64)), b: 0, c: 0, n: 1 };
        Self { parameters, regular: vec![fresh; 365], interrupted: [fresh; 2] }
    }

    /// The neighbourhood as a number, with its sign; 0 where it is flat and a run begins (A.3).
    ///
    /// - `ra`, `rb`, `rc`, `rd`: left, above, above left, above right
    #[inline]
    pub(super) fn neighbourhood(&self, ra: i32, rb: i32, rc: i32, rd: i32) -> i32 {
        let p = &self.parameters;
        81 * p.step(rd - rb) + 9 * p.step(rb - rc) + p.step(rc - ra)
    }

    /// Decodes one sample of a neighbourhood (A.4 to A.6).
    #[inline]
    pub(super) fn sample(
        &mut self,
        bits: &mut Bits<'_>,
        number: i32,
        ra: i32,
        rb: i32,
        rc: i32,
    ) -> Result<u16, String> {
        let p = self.parameters;
        // A flat neighbourhood comes here too, where several samples are decoded at once and another is not flat.
        let sign = if number < 0 { -1 } else { 1 };
        let context = &mut self.regular[number.unsigned_abs() as usize];
        let predicted = if rc >= ra.max(rb) {
            ra.min(rb)
        } else if rc <= ra.min(rb) {
            ra.max(rb)
        } else {
            ra + rb - rc
        };
        let predicted = (predicted + sign * context.c).clamp(0, p.largest);
        let k = golomb(context.n, context.a);
        let mapped = code(bits, k, p.limit, p.quantised_bits)?;
        let half = (mapped >> 1) as i32;
        let mut error = if mapped & 1 == 0 { half } else { -half - 1 };
        if p.near == 0 && k == 0 && 2 * context.b <= -context.n {
            error = -error - 1;
        }
        p.possible(error)?;
        context.b += error * (2 * p.near + 1);
        context.a += i64::from(error.abs());
        if context.n == p.reset {
            context.a >>= 1;
            context.b >>= 1;
            context.n >>= 1;
        }
        context.n += 1;
        if context.b <= -context.n {
            context.b = (context.b + context.n).max(1 - context.n);
            context.c = (context.c - 1).max(-128);
        } else if context.b > 0 {
            context.b = (context.b - context.n).min(0);
            context.c = (context.c + 1).min(127);
        }
        Ok(p.restore(predicted, sign * error) as u16)
    }

    /// Decodes the sample that ends a run (A.7.2).
    ///
    /// - `alike`: whether left and above count as the same; several samples at once never do
    /// - `spent`: bits that the run's rest took
    pub(super) fn interruption(
        &mut self,
        bits: &mut Bits<'_>,
        alike: bool,
        spent: u32,
        ra: i32,
        rb: i32,
    ) -> Result<u16, String> {
        let p = self.parameters;
        let kind = i32::from(alike);
        let context = &mut self.interrupted[usize::from(alike)];
        let sum = if alike { context.a + i64::from(context.n >> 1) } else { context.a };
        let k = golomb(context.n, sum);
        let mapped = code(bits, k, p.limit - spent - 1, p.quantised_bits)? as i32;
        let map = (mapped + kind) & 1;
        let size = (mapped + kind + map) / 2;
        let error = if (k != 0 || 2 * context.b >= context.n) == (map == 1) { -size } else { size };
        p.possible(error)?;
        if error < 0 {
            context.b += 1;
        }
        context.a += i64::from((mapped + 1 - kind) >> 1);
        if context.n == p.reset {
            context.a >>= 1;
            context.n >>= 1;
            context.b >>= 1;
        }
        context.n += 1;
        let (predicted, sign) = if alike { (ra, 1) } else { (rb, if ra > rb { -1 } else { 1 }) };
        Ok(p.restore(predicted, sign * error) as u16)
    }
}

/// The smallest k with `n << k >= a` (A.5.1).
#[inline]
fn golomb(n: i32, a: i64) -> u32 {
    let mut k = 0;
    while k < 24 && (i64::from(n) << k) < a {
        k += 1;
    }
    k
}

/// A Golomb code of limited length (A.5.3).
#[inline]
fn code(bits: &mut Bits<'_>, k: u32, limit: u32, quantised_bits: u32) -> Result<u32, String> {
    let longest = limit - quantised_bits - 1;
    let zeros = bits.zeros(longest)?;
    if zeros < longest { Ok(zeros << k | bits.take(k)?) } else { Ok(bits.take(quantised_bits)? + 1) }
}
