# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A new cohort, from a messy table to a report
# Eight invented patients, as tables come: full-width digits, a word for *not tested*, a limit, an impossible age.

# %%
from pathlib import Path

import cohortstats as cs

Path("cases.csv").write_text(
    """id,age,er,her2_ratio,response,start,progression,last_seen
001,54,+,1.1,PR,2016/3/4,2016/9/1,2016/9/1
002,６１,-,2.6,PD,2016/4/1,2016/5/13,2016/5/13
003,47,+,0.9,SD,2016/4/18,,2017/3/31
004,70,-,未検,PD,2016/5/9,2016/6/17,2016/6/17
005,58,+,1.0,CR,2016/6/1,,2017/3/31
006,66,-,<1,SD,2016/6/20,2016/12/5,2016/12/5
007,不明,+,1.3,PR,2016/7/11,2017/2/20,2017/2/20
008,520,-,3.1,PD,2016/8/1,2016/9/12,2016/9/12
""",
    encoding="utf-8",
)

# %% [markdown]
# `cohortstats init mystudy --from cases.csv` on the command line; every guess has its evidence beside it.

# %%
written, left_to_do = cs.start_study("mystudy", table="cases.csv", force=True)
print(Path("mystudy/study.toml").read_text(encoding="utf-8"))
left_to_do

# %% [markdown]
# Say what may stand in a column, and what a limit counts as; take the signs away from the endpoints. Nothing is guessed
# any more, so the problems come, all at once.

# %%
text = Path("mystudy/study.toml").read_text(encoding="utf-8")
text = text.replace('age = { type = "number" }', 'age = { type = "number", range = [18, 110] }')
head, sign, rest = text.partition("# [endpoints.")
text = head + "\n".join(line.removeprefix("# ") for line in (sign + rest).splitlines())
Path("mystudy/study.toml").write_text(text, encoding="utf-8")
try:
    cs.load_cohort("mystudy")
except cs.DataError as error:
    problems = error.failures
problems[["row", "column", "value", "message", "mend"]]

# %% [markdown]
# One is answered in the study file, the other in the table.

# %%
declared = text.replace('her2_ratio = { type = "number" }', 'her2_ratio = { type = "number", beyond = "limit" }')
declared += '\n[derive]\namplified = { when = "her2_ratio > 1.25", label = "HER2 ratio above 1.25" }\n'
Path("mystudy/study.toml").write_text(declared, encoding="utf-8")
table = Path("mystudy/cases.csv").read_text(encoding="utf-8")
Path("mystudy/cases.csv").write_text(table.replace("008,520,", "008,52,"), encoding="utf-8")
cohort = cs.load_cohort("mystudy")
cs.time_to_event(cohort, cohort.study.exhibit("figure1"))

# %%
report = cs.write_report("mystudy", "results")
[path.name for path in report.written][:4]

# %% [markdown]
# What moves when a cut-off moves? From 1.25 to 2.0 patient 007 changes sides.

# %%
moved = Path("mystudy/study.toml").read_text(encoding="utf-8").replace("her2_ratio > 1.25", "her2_ratio > 2.0")
Path("mystudy/study.toml").write_text(moved, encoding="utf-8")
before, after = cohort.levels("amplified"), cs.load_cohort("mystudy").levels("amplified")
before[(before == "yes") & (after == "no")]
