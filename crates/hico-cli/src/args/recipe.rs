use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico recipe
  hico recipe hico-plus > my.toml
  hico pretrain lung --recipe hico-plus --out runs/plus")]
pub(crate) struct RecipeArgs {
    /// The recipe to print; without it all are listed
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}
