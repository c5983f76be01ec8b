# Sections of the configuration as files, which the steps read.
#
# makes  settings/<section>-<hash of its content>.yaml


rule settings:
    input:
        as_made,
    output:
        f"{COHORT}/settings/{{section}}.yaml",
    log:
        f"{COHORT}/logs/settings-{{section}}.log",
    priority: 1
    conda:
        "../../envs/statistics.yaml"
    # They are written in a moment, one after another, before any long job of one core could begin: the archive, which wants
    # all cores, would wait for its end.
    threads: CORES
    params:
        text=lambda wildcards: SETTINGS[wildcards.section],
    message:
        "Write the settings {wildcards.section}"
    shell:
        "printf %s {params.text:q} > {output} 2> {log}"


localrules:
    settings,
