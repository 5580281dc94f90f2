//! The methods that there are, by name: those that come with hico and those that a program registered.

use super::{Byol, Dino, Hico, Ivpp, Keys, Latent, Method, Moco, SimClr, Ucl, Unfit, Uscl, VicReg, Views, each_method};
use crate::Error;
use crate::settings::{Supervision, TrainRecipe, views};
use hico_data::view::{ViewRecipe, ViewSource};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};
use toml::{Table, Value};

/// Keys of a method whose type is known to the method alone.
type AnyKeys = dyn Any + Send + Sync;

/// A method as seen by who does not know its types.
trait AnyMethod: Sync {
    fn name(&self) -> &'static str;
    fn about(&self) -> &'static str;
    fn view_keys(&self) -> &'static [&'static str];
    fn view(&self) -> ViewRecipe;
    fn default_keys(&self) -> Result<MethodRecipe, String>;
    fn keys_of(&self, table: Table) -> Result<MethodRecipe, String>;
    fn before_there_were(&self) -> Vec<(&'static str, Value)>;
    fn supervision(&self, keys: &AnyKeys) -> Option<Supervision>;
    fn check(&self, keys: &AnyKeys, view: &ViewRecipe) -> Result<(), Unfit>;
    fn losses_compare(&self, keys: &AnyKeys) -> bool;
    fn images_a_clip(&self, keys: &AnyKeys) -> usize;
    fn draw(&self, keys: &AnyKeys, source: &ViewSource<'_>, train: &TrainRecipe) -> Result<Views, hico_data::Error>;
}

/// A method by its type.
struct Of<M>(PhantomData<fn() -> M>);

impl<M: Method> Of<M> {
    #[expect(clippy::expect_used, reason = "keys are made by the method whose name stands beside them")]
    fn typed(keys: &AnyKeys) -> &M::Keys {
        keys.downcast_ref().expect("keys of this method")
    }

    fn recipe(keys: M::Keys) -> Result<MethodRecipe, String> {
        let table = Table::try_from(&keys).map_err(|error| error.to_string())?;
        Ok(MethodRecipe { name: MethodName::of::<M>(), keys: Arc::new(keys), table })
    }
}

impl<M: Method> AnyMethod for Of<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn about(&self) -> &'static str {
        M::ABOUT
    }

    fn view_keys(&self) -> &'static [&'static str] {
        M::VIEW_KEYS
    }

    fn view(&self) -> ViewRecipe {
        M::view()
    }

    fn default_keys(&self) -> Result<MethodRecipe, String> {
        Self::recipe(M::Keys::default())
    }

    fn keys_of(&self, table: Table) -> Result<MethodRecipe, String> {
        Self::recipe(table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?)
    }

    fn before_there_were(&self) -> Vec<(&'static str, Value)> {
        M::Keys::before_there_were()
    }

    fn supervision(&self, keys: &AnyKeys) -> Option<Supervision> {
        Self::typed(keys).supervision()
    }

    fn check(&self, keys: &AnyKeys, view: &ViewRecipe) -> Result<(), Unfit> {
        Self::typed(keys).check(view)
    }

    fn losses_compare(&self, keys: &AnyKeys) -> bool {
        M::losses_compare(Self::typed(keys))
    }

    fn images_a_clip(&self, keys: &AnyKeys) -> usize {
        M::images_a_clip(Self::typed(keys))
    }

    fn draw(&self, keys: &AnyKeys, source: &ViewSource<'_>, train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        M::draw(Self::typed(keys), source, train)
    }
}

macro_rules! names {
    ($($method:ident)+) => {
        /// The methods that come with hico.
        const BUILT_IN: [MethodName; [$(<$method as Method>::NAME),+].len()] = [$(MethodName::of::<$method>()),+];
    };
}

each_method!(names);

/// The methods of other crates.
static REGISTERED: RwLock<Vec<MethodName>> = RwLock::new(Vec::new());

/// Adds a method of another crate to those that are found by their name.
///
/// # Errors
/// When its name is none or taken, or its keys are not those of a table of a recipe.
pub(crate) fn register<M: Method>() -> Result<(), Error> {
    let method = MethodName::of::<M>();
    let refuse = |reason: String| Err(Error::Register { name: M::NAME, reason });
    let is_word = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if !is_word(M::NAME) {
        return refuse("a name is made of small letters, digits and -, and begins with a letter".to_owned());
    }
    if let Some(key) = M::VIEW_KEYS.iter().find(|key| !views::OF_SOME.contains(key)) {
        return refuse(format!("{key} is none of the keys of [view] that only some methods read"));
    }
    let recipe = match method.0.default_keys() {
        Ok(recipe) if recipe.table.contains_key("name") => return refuse("it has a key called name".to_owned()),
        Ok(recipe) => recipe,
        Err(reason) => return refuse(format!("its keys are not those of a recipe: {reason}")),
    };
    // What is written is read again, as the recipe of a run is.
    if let Err(reason) = method.0.keys_of(recipe.table) {
        return refuse(format!("its own defaults are not read: {reason}"));
    }
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    if BUILT_IN.iter().chain(registered.iter()).any(|known| *known == method) {
        return refuse("there is a method of that name".to_owned());
    }
    registered.push(method);
    Ok(())
}

/// A method by its name.
#[derive(Clone, Copy)]
pub struct MethodName(&'static dyn AnyMethod);

impl MethodName {
    /// Names a method.
    #[must_use]
    pub const fn of<M: Method>() -> Self {
        Self(&Of::<M>(PhantomData))
    }

    /// Lists every method that is found by its name; those that come with hico first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
        BUILT_IN.iter().chain(registered.iter()).copied().collect()
    }

    /// Finds a method by its word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::all().into_iter().find(|method| method.name() == word)
    }

    /// Returns its word in files and flags.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns one sentence that says what it does, with its paper.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.0.about()
    }

    /// Returns true where its objective can read labels.
    #[must_use]
    pub fn reads_labels(self) -> bool {
        MethodRecipe::of(self).reads_labels()
    }

    /// Returns the keys of `[view]` that its draw reads, of those that only some methods read.
    pub(crate) fn view_keys(self) -> &'static [&'static str] {
        self.0.view_keys()
    }

    /// Returns its `[view]` where a recipe says nothing.
    pub(crate) fn view(self) -> ViewRecipe {
        self.0.view()
    }

    /// Returns keys that came later, with what was done before.
    pub(crate) fn before_there_were(self) -> Vec<(&'static str, Value)> {
        self.0.before_there_were()
    }
}

/// The paper's.
impl Default for MethodName {
    fn default() -> Self {
        BUILT_IN[0]
    }
}

impl PartialEq for MethodName {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for MethodName {}

impl Hash for MethodName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for MethodName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("MethodName").field(&self.name()).finish()
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for MethodName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for MethodName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let unknown = || D::Error::custom(format!("this program has no method {word}; the one that wrote it has"));
        Self::named(&word).ok_or_else(unknown)
    }
}

/// `[method]`: a method with its own keys, each in its range.
#[derive(Clone)]
pub struct MethodRecipe {
    name: MethodName,
    keys: Arc<AnyKeys>,
    /// The same as they are written.
    table: Table,
}

impl MethodRecipe {
    /// Returns a method as it was published, or as we chose where it was not.
    ///
    /// # Panics
    /// When the default keys of a method that was never registered are no table.
    #[must_use]
    #[expect(clippy::expect_used, reason = "`register` checks it, and a test of those that come with hico")]
    pub fn of(name: MethodName) -> Self {
        name.0.default_keys().expect("the keys of a method are a table")
    }

    /// Returns a method with these keys.
    ///
    /// # Panics
    /// When they are no table, which [`crate::register`] refuses.
    #[must_use]
    #[expect(clippy::expect_used, reason = "as above")]
    pub fn with_keys<M: Method>(keys: M::Keys) -> Self {
        Of::<M>::recipe(keys).expect("the keys of a method are a table")
    }

    /// Returns its keys; nothing where it is another method.
    #[must_use]
    pub fn keys<M: Method>(&self) -> Option<&M::Keys> {
        self.keys.downcast_ref()
    }

    /// Returns which method it is.
    #[must_use]
    pub const fn name(&self) -> MethodName {
        self.name
    }

    /// Returns what the objective learns from.
    #[must_use]
    pub fn supervision(&self) -> Supervision {
        self.name.0.supervision(self.keys.as_ref()).unwrap_or(Supervision::SelfOnly)
    }

    /// Returns whether its loss of one epoch can be compared with that of another ([`Method::losses_compare`]).
    #[must_use]
    pub fn losses_compare(&self) -> bool {
        self.name.0.losses_compare(self.keys.as_ref())
    }

    /// Counts the images of the recipe's size that a clip's views amount to ([`Method::images_a_clip`]).
    #[must_use]
    pub fn images_a_clip(&self) -> usize {
        self.name.0.images_a_clip(self.keys.as_ref())
    }

    /// Draws the views of one clip in one epoch ([`Method::draw`]).
    pub(crate) fn draw(&self, source: &ViewSource<'_>, train: &TrainRecipe) -> Result<Views, hico_data::Error> {
        self.name.0.draw(self.keys.as_ref(), source, train)
    }

    /// Refuses keys that do not fit each other or the views.
    pub(crate) fn check(&self, view: &ViewRecipe) -> Result<(), Unfit> {
        self.name.0.check(self.keys.as_ref(), view)
    }

    /// Returns its keys as they are written.
    pub(crate) const fn table(&self) -> &Table {
        &self.table
    }

    /// Sets one key.
    pub(crate) fn with(&self, key: &str, value: Value) -> Result<Self, String> {
        let mut table = self.table.clone();
        table.insert(key.to_owned(), value);
        self.name.0.keys_of(table)
    }

    fn reads_labels(&self) -> bool {
        self.name.0.supervision(self.keys.as_ref()).is_some()
    }
}

impl PartialEq for MethodRecipe {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.table == other.table
    }
}

impl fmt::Debug for MethodRecipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple(self.name.name()).field(&self.table).finish()
    }
}

/// The name, and every key.
impl Serialize for MethodRecipe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = ("name", Value::String(self.name.to_string()));
        let keys = self.table.iter().map(|(key, value)| (key.as_str(), value.clone()));
        serializer.collect_map(std::iter::once(name).chain(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_found_by_its_name_and_reads_what_it_writes() {
        for method in MethodName::all() {
            assert_eq!(MethodName::named(method.name()), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
            assert_eq!(serde_json::from_value::<MethodName>(method.name().into()).unwrap(), method);
            let recipe = MethodRecipe::of(method);
            assert_eq!(
                (recipe.name(), &serde_json::to_value(&recipe).unwrap()["name"]),
                (method, &method.name().into())
            );
            let by_default = if method.reads_labels() { Supervision::Semi } else { Supervision::SelfOnly };
            assert_eq!(recipe.supervision(), by_default, "{method}");
            assert_eq!(recipe.table().contains_key("supervision"), method.reads_labels(), "{method}");
            assert_eq!(method.0.keys_of(recipe.table.clone()).unwrap(), recipe, "{method}");
        }
        assert_eq!(MethodName::named("HiCo"), None);
        let error = serde_json::from_str::<MethodName>("\"mine\"").unwrap_err().to_string();
        assert!(error.starts_with("this program has no method mine"), "{error}");
    }

    #[test]
    fn a_name_that_is_taken_or_none_is_refused() {
        assert!(matches!(register::<Moco>(), Err(Error::Register { name: "moco", .. })));
        assert_eq!(MethodName::all().len(), BUILT_IN.len());
    }
}
