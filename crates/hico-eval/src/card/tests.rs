use super::*;
use burn::tensor::Device;
use hico_data::Seed;
use hico_model::BackboneName;
use hico_model::export::onnx::Part;
use hico_model::export::{export, files, free};
use hico_model::init::Init;
use hico_model::weights::{self, NamedTensor, Naming, WeightsOf};
use hico_train::model::HicoModel;
use hico_train::recipe::HicoRecipe;
use std::collections::BTreeMap;

fn source(folder: &Path, naming: Naming) -> Source {
    let model =
        HicoModel::new(BackboneName::RESNET18, &HicoRecipe::default(), 32, 3, &Init::new(&Device::flex(), Seed(4)));
    let mut tensors = weights::to_tensors(&model, naming);
    if naming == Naming::Torchvision {
        tensors.retain(|tensor| !tensor.name.contains("pyramid"));
    }
    tensors.push(NamedTensor { name: "l4.weight".into(), shape: vec![2], values: vec![1.0, -0.0] });
    let path = folder.join("weights.safetensors");
    std::fs::write(&path, weights::to_safetensors(&tensors, &BTreeMap::new()).unwrap()).unwrap();
    pretrained::source(&path, &WeightsOf::Online).unwrap()
}

fn card(source: &Source, target: Target, statements: &Statements) -> Card {
    let exported = export(source, target, 64).unwrap();
    Card::new(source, target, 64, Path::new("out/a.safetensors"), &exported, &[], statements)
}

#[test]
fn a_card_says_what_nobody_stated_and_what_somebody_did() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), Naming::Torchvision);
    let silent = card(&source, Target::Torchvision, &Statements::default());
    let words = silent.markdown();
    for part in ["resnet18()", "not stated", "No evaluation is given", "no feature pyramid", "defaults", "Not compared"]
    {
        assert!(words.contains(part), "no {part:?} in {words}");
    }
    let statements = Statements { data_licence: Some("CC BY\n# 4.0".into()), ..Statements::default() };
    let stated = card(&source, Target::Timm, &statements).markdown();
    assert!(stated.contains("CC BY # 4.0") && stated.contains("create_model(\"resnet18\", num_classes=0)"), "{stated}");
}

#[test]
fn the_card_knows_the_file_by_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), Naming::Ours);
    let exported = export(&source, Target::Onnx(Part::Pyramid), 64).unwrap();
    let path = folder.path().join("a.onnx");
    std::fs::write(&path, &exported.bytes).unwrap();
    let card = Card::new(&source, Target::Onnx(Part::Pyramid), 64, &path, &exported, &[], &Statements::default());
    assert_eq!(card.sha256, weights::sha256(&path).unwrap());
    assert_eq!(files(&path)[1], folder.path().join("a.onnx.card.md"));
    assert!(free(&path).is_err() && free(&folder.path().join("b.onnx")).is_ok());
}

#[test]
fn names_there_and_back_are_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let authors = source(folder.path(), Naming::Authors);
    let ours = folder.path().join("ours.safetensors");
    std::fs::write(&ours, export(&authors, Target::Hico, 64).unwrap().bytes).unwrap();
    let back = folder.path().join("back.safetensors");
    std::fs::write(
        &back,
        export(&pretrained::source(&ours, &WeightsOf::Online).unwrap(), Target::Authors, 64).unwrap().bytes,
    )
    .unwrap();
    let bits = |path: &Path| -> Vec<(String, Vec<usize>, Vec<u32>)> {
        let bits = |tensor: NamedTensor| tensor.values.iter().map(|value| value.to_bits()).collect();
        weights::read(path).unwrap().into_iter().map(|t| (t.name.clone(), t.shape.clone(), bits(t))).collect()
    };
    assert_eq!(bits(&back), bits(&authors.file));
}

#[test]
fn what_the_source_lacks_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), Naming::Torchvision);
    let refused = |part| export(&source, Target::Onnx(part), 64).unwrap_err();
    assert!(refused(Part::Pyramid).to_string().contains("has no pyramid"));
    assert!(refused(Part::Classifier).to_string().contains("no classifier"));
    assert!(matches!(refused(Part::Classifier), hico_model::Error::NoClassifier(_)));
}
