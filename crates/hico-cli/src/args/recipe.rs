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
    /// Print this recipe, as `hico recipe show NAME` does
    #[arg(value_name = "NAME", hide = true)]
    pub(crate) name: Option<String>,
}

/// Actions on the shipped recipes.
#[derive(Debug, Subcommand)]
pub(crate) enum RecipeCommand {
    /// List the recipes; the default
    List,
    /// Print one recipe, with every key of its method and the allowed values
    Show {
        /// Print the recipe of this name
        #[arg(value_name = "NAME")]
        name: String,
    },
}
