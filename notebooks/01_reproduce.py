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
# # Reproduce Sakai et al. 2018
# The cohort is *rebuilt from published aggregates, not patient records*. What the paper does not determine is withheld.

# %%
import cohortstats as cs

study = cs.Study.read(cs.shipped_study("sakai2018"))
cohort = cs.load_cohort(study)
cohort

# %% [markdown]
# ## Table 4: primary resistance to T-DM1
# Fisher's exact test decided on integers. *PIK3CA* has P = 1/20 exactly, which is not below 0.05.

# %%
table4 = cs.association(cohort, study.exhibit("table4"))
table4

# %% [markdown]
# The same P from the printed counts alone, without a patient:

# %%
counts = cs.CountTable(groups=("positive", "negative"), events=(2, 2), totals=(2, 14))
fisher = cs.fisher_exact(counts)
fisher.p_exact, fisher.significant(0.05), fisher.min_attainable_exact

# %% [markdown]
# ## Figure 1: time to progression

# %%
figure1 = cs.time_to_event(cohort, study.exhibit("figure1"))
figure1

# %% [markdown]
# ## Every printed value against ours

# %%
ledger = cs.reproduce(study)
frame = ledger.to_frame()
frame[frame.verdict != "agrees"]

# %%
ledger
