//! Matrix products of slices, by the `gemm` crate, which picks the widest instructions of the CPU at run time.

/// A matrix inside a slice: where it begins, and how far apart its rows and columns are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Place {
    /// One past the last element of a matrix of `rows` by `columns` at this place.
    fn end(self, rows: usize, columns: usize) -> usize {
        if rows == 0 || columns == 0 {
            0
        } else {
            self.start + (rows - 1) * self.rows + (columns - 1) * self.columns + 1
        }
    }
}

/// Rows `width` apart, columns next to each other.
pub(crate) const fn row_major(start: usize, width: usize) -> Place {
    Place { start, rows: width, columns: 1 }
}

/// The transpose of what [`row_major`] describes.
pub(crate) const fn column_major(start: usize, width: usize) -> Place {
    Place { start, rows: 1, columns: width }
}

/// `target (+)= a b`, on this thread.
///
/// - `size`: rows of `a`, columns of `b`, and the length of the sums
/// - `add`: whether to add to what is in `target`
///
/// # Panics
/// When a matrix does not lie inside its slice, or the target's elements overlap.
pub(crate) fn multiply(
    size: [usize; 3],
    (target, to): (&mut [f32], Place),
    add: bool,
    (a, of_a): (&[f32], Place),
    (b, of_b): (&[f32], Place),
) {
    let [m, n, k] = size;
    assert!(to.end(m, n) <= target.len(), "the product does not fit");
    assert!(of_a.end(m, k) <= a.len() && of_b.end(k, n) <= b.len(), "a factor reaches out of its slice");
    assert!(to.columns == 1 && (m < 2 || to.rows >= n), "rows of the target overlap");
    let step = |distance: usize| distance as isize;
    // SAFETY: the assertions above keep every element that is read or written inside its slice; the target is borrowed
    // for us alone and no two of its elements are one.
    #[expect(unsafe_code, reason = "gemm's interface is of pointers")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            target.as_mut_ptr().add(to.start),
            step(to.columns),
            step(to.rows),
            add,
            a.as_ptr().add(of_a.start),
            step(of_a.columns),
            step(of_a.rows),
            b.as_ptr().add(of_b.start),
            step(of_b.columns),
            step(of_b.rows),
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_added_or_written_anew_and_transposed_on_request() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut c = [100.0; 4];
        multiply([2, 2, 3], (&mut c, row_major(0, 2)), false, (&a, row_major(0, 3)), (&a, row_major(0, 2)));
        assert_eq!(c, [22.0, 28.0, 49.0, 64.0]);
        multiply([2, 2, 3], (&mut c, row_major(0, 2)), true, (&a, row_major(0, 3)), (&a, column_major(0, 3)));
        assert_eq!(c, [36.0, 60.0, 81.0, 141.0]);
    }

    #[test]
    #[should_panic(expected = "reaches out of its slice")]
    fn a_factor_that_reaches_too_far_is_a_mistake() {
        let mut c = [0.0; 4];
        multiply(
            [2, 2, 3],
            (&mut c, row_major(0, 2)),
            false,
            (&[0.0; 6], row_major(1, 3)),
            (&[0.0; 6], row_major(0, 2)),
        );
    }
}
