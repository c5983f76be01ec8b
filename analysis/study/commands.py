"""The commands that belong to the whole study."""

from pathlib import Path

import click


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("config.yaml"), show_default=True)
@click.option(
    "--schema", type=click.Path(path_type=Path), default=Path("workflow/config.schema.json"), show_default=True
)
def config(out: Path, schema: Path) -> None:
    """Rewrite config.yaml (its values, with every key and comment) and its JSON schema."""
    from analysis.settings import parse
    from analysis.study.config_yaml import write_config, write_schema
    from analysis.study.configuration import Study
    from analysis.yaml_files import load_yaml

    write_config(parse(Study, load_yaml(out), str(out)), out)
    write_schema(schema)


COMMANDS: list[click.Command] = [config]
