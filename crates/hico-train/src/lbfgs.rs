//! Minimising a smooth function of some hundreds or thousands of numbers: L-BFGS (Liu and Nocedal 1989).

use std::collections::VecDeque;

/// Steps whose curvature is remembered.
const MEMORY: usize = 10;
const MOST_ITERATIONS: usize = 300;
/// The search ends where no slope is steeper.
const FLAT: f64 = 1e-7;

/// The point at which a function is smallest, as near as its gradient tells.
///
/// - `start`: where to begin
/// - `function`: value and gradient at a point; bounded below, differentiable
#[must_use]
pub(super) fn minimise(start: Vec<f64>, function: impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Vec<f64> {
    let mut point = start;
    let (mut value, mut gradient) = function(&point);
    let mut memory = VecDeque::<Step>::new();
    for _ in 0..MOST_ITERATIONS {
        if gradient.iter().all(|slope| slope.abs() <= FLAT) {
            break;
        }
        let mut direction = downhill(&gradient, &memory);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            // Rounding has spoilt the memory; the gradient itself always leads down.
            memory.clear();
            direction = gradient.iter().map(|slope| -slope).collect();
            slope = -dot(&gradient, &gradient);
        }
        // The very first step knows no scale.
        let mut length = if memory.is_empty() { gradient_step(&gradient) } else { 1.0 };
        let found = loop {
            let next: Vec<f64> = point.iter().zip(&direction).map(|(x, d)| x + length * d).collect();
            let (next_value, next_gradient) = function(&next);
            // Armijo (1966): the step must gain a part of what the slope promises.
            if next_value <= value + 1e-4 * length * slope {
                break Some((next, next_value, next_gradient));
            }
            length /= 2.0;
            if length < 1e-12 {
                break None;
            }
        };
        let Some((next, next_value, next_gradient)) = found else { break };
        let step = Step::between(&point, &next, &gradient, &next_gradient);
        if step.curvature > 1e-14 {
            memory.push_back(step);
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        (point, value, gradient) = (next, next_value, next_gradient);
    }
    point
}

/// A step and how the gradient changed over it.
struct Step {
    step: Vec<f64>,
    change: Vec<f64>,
    curvature: f64,
}

impl Step {
    fn between(from: &[f64], to: &[f64], gradient_from: &[f64], gradient_to: &[f64]) -> Self {
        let difference = |a: &[f64], b: &[f64]| b.iter().zip(a).map(|(b, a)| b - a).collect::<Vec<f64>>();
        let (step, change) = (difference(from, to), difference(gradient_from, gradient_to));
        let curvature = dot(&step, &change);
        Self { step, change, curvature }
    }
}

/// Minus the gradient, divided by the curvature that the memory knows (the two-loop recursion).
fn downhill(gradient: &[f64], memory: &VecDeque<Step>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for Step { step, change, curvature } in memory.iter().rev() {
        let share = dot(step, &direction) / curvature;
        direction.iter_mut().zip(change).for_each(|(d, change)| *d -= share * change);
        shares.push(share);
    }
    if let Some(Step { change, curvature, .. }) = memory.back() {
        let scale = curvature / dot(change, change);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (Step { step, change, curvature }, share) in memory.iter().zip(shares.iter().rev()) {
        let back = dot(change, &direction) / curvature;
        direction.iter_mut().zip(step).for_each(|(d, step)| *d += (share - back) * step);
    }
    direction
}

fn gradient_step(gradient: &[f64]) -> f64 {
    (1.0 / dot(gradient, gradient).sqrt()).min(1.0)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretched_bowl_ends_at_its_bottom() {
        let bottom = [3.0, -1.0, 0.5, 20.0];
        let stretch = [1.0, 100.0, 0.01, 5.0];
        let found = minimise(vec![0.0; 4], |x| {
            let offset: Vec<f64> = x.iter().zip(bottom).map(|(x, b)| x - b).collect();
            let value = offset.iter().zip(stretch).map(|(o, s)| s * o * o / 2.0).sum();
            (value, offset.iter().zip(stretch).map(|(o, s)| s * o).collect())
        });
        assert!(found.iter().zip(bottom).all(|(x, b)| (x - b).abs() < 1e-4), "{found:?}");
    }

    #[test]
    fn the_banana_valley_of_rosenbrock_is_followed_to_its_end() {
        let found = minimise(vec![-1.2, 1.0], |x| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
        });
        assert!(found.iter().all(|x| (x - 1.0).abs() < 1e-5), "{found:?}");
    }

    #[test]
    fn a_search_ends_where_value_or_slope_is_no_number() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(minimise(vec![7.0], |_| (odd, vec![1.0])).len(), 1);
            assert_eq!(minimise(vec![7.0, 1.0], |x| (x[0], vec![odd, 1.0])).len(), 2);
        }
    }

    #[test]
    fn a_flat_start_stays() {
        assert_eq!(minimise(vec![7.0], |_| (1.0, vec![0.0])), [7.0]);
    }
}
