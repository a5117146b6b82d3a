import click
@click.command(context_settings={"show_default": True})
@click.option("--lr", default=1e-3, help="Learning rate.")
@click.option("--batch-size", default=64, type=click.IntRange(1, 512), help="Images a step.")
@click.option("--optimizer", type=click.Choice(["sgd", "adam"]), default="adam", help="Which optimizer is used for all of the parameters of the network.")
@click.option("--whiten/--no-whiten", default=False, help="Whiten the images.")
@click.option("--debug", is_flag=True, help="Say more.")
@click.option("--label", default="first try", help="A label.")
@click.option("--size", multiple=True, type=int, default=[64, 32], help="Widths.")
@click.option("--teacher", required=True, type=click.Path())
@click.option("--random-seed", default=0)
@click.option("--output-dir", default="out", type=click.Path(file_okay=False))
def main(**k): pass
main()
