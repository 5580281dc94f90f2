//! A student that says what its teacher says, without labels.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, softmax};

/// What a student's cross-entropy is made of.
#[derive(Debug, Clone)]
pub struct Distillation {
    /// Cross-entropy of the student under the teacher, `[1]`, in nats: what is to be made small.
    pub cross_entropy: Tensor<1>,
    /// The teacher's own entropy, `[1]`, below which no student comes: 0 and the logarithm of the number of prototypes
    /// are the two ways to collapse.
    pub teacher_entropy: Tensor<1>,
}

/// Cross-entropy of the student's distribution under the teacher's (Caron et al. 2021, equation 3), averaged over every
/// pair of two different views, one seen by each, and over the clips.
///
/// - `student`: scores of every view, `[batch, prototypes]` each
/// - `teacher`: scores of the first of these views, without a graph
/// - `centre`: `[1, prototypes]`, subtracted from the teacher's scores
/// - `temperatures`: of the student and of the teacher
#[must_use]
pub fn self_distillation(
    student: &[Tensor<2>],
    teacher: &[Tensor<2>],
    centre: &Tensor<2>,
    temperatures: [f64; 2],
) -> Distillation {
    let [of_student, of_teacher] = temperatures;
    let said: Vec<Tensor<2>> = student.iter().map(|scores| log_softmax(scores.clone() / of_student, 1)).collect();
    let (mut costs, mut entropies) = (Vec::new(), Vec::new());
    for (view, scores) in teacher.iter().enumerate() {
        let scores = (scores.clone() - centre.clone()) / of_teacher; // [batch, prototypes]
        let target = softmax(scores.clone(), 1);
        entropies.push(-(target.clone() * log_softmax(scores, 1)).sum_dim(1).mean());
        let others = said.iter().enumerate().filter(|(other, _)| *other != view);
        costs.extend(others.map(|(_, said)| -(target.clone() * said.clone()).sum_dim(1).mean()));
    }
    Distillation { cross_entropy: Tensor::cat(costs, 0).mean(), teacher_entropy: Tensor::cat(entropies, 0).mean() }
}
