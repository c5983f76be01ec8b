# Sections of the configuration as files, which the steps read.
#
# makes  settings/<section>-<hash of its content>.yaml


rule settings:
    output:
        f"{COHORT}/settings/{{section}}.yaml",
    log:
        f"{COHORT}/logs/settings-{{section}}.log",
    conda:
        "../../envs/statistics.yaml"
    params:
        text=lambda wildcards: SETTINGS[wildcards.section],
    message:
        "Write the settings {wildcards.section}"
    shell:
        "printf %s {params.text:q} > {output} 2> {log}"


localrules:
    settings,
