use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico recipe list
  hico recipe show hico-plus > my.toml
  hico pretrain lung --recipe hico-plus --out runs/plus")]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RecipeArgs {
    #[command(subcommand)]
    pub(crate) command: Option<RecipeCommand>,
    /// The recipe to print, as `hico recipe show NAME`
    #[arg(value_name = "NAME", hide = true)]
    pub(crate) name: Option<String>,
}

/// What to do with the recipes that come with hico.
#[derive(Debug, Subcommand)]
pub(crate) enum RecipeCommand {
    /// List them; the same as no word at all
    List,
    /// Print one, with every key of its method and what it may be
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}
