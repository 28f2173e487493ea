# What R says about restricted means and reverse Kaplan-Meier follow-up of every cohort of cohorts.csv.gz.
# Run after make_inputs.py. Numbers have 15 significant digits; two runs write the same bytes.
suppressPackageStartupMessages(library(survival))

argument <- grep("^--file=", commandArgs(FALSE), value = TRUE)
here <- if (length(argument)) dirname(sub("^--file=", "", argument[1])) else "."
at <- function(name) file.path(here, name)
digits <- function(x) ifelse(is.na(x), "", sprintf("%.15g", x))
bits <- function(x) sprintf("%.17g", x)  # read back to the last bit

write_gz <- function(frame, name) {
  connection <- gzfile(at(name), "wb")
  write.csv(frame, connection, row.names = FALSE, quote = FALSE, eol = "\n")
  close(connection)
}

input <- read.csv(gzfile(at("cohorts.csv.gz")), colClasses = c(time = "character", entry = "character"))
input$time <- as.numeric(input$time)
input$entry <- as.numeric(input$entry)

# As in make_survival.R each group is fitted by itself, after near ties are merged over the whole cohort.
response <- function(d, event) {
  aeqSurv(if (any(d$kind == "delayed_entry")) Surv(d$entry, d$time, event) else Surv(d$time, event))
}

means <- list(); followed <- list()
for (cohort in unique(input$cohort)) {
  d <- input[input$cohort == cohort, ]
  y <- response(d, d$event)
  reversed <- response(d, 1 - d$event)
  for (group in sort(unique(d$group))) {
    mine <- d$group == group
    fit <- survfit(y[mine] ~ 1, timefix = FALSE)
    last <- max(fit$time)
    # Inside: half of the last time, a time of the table, the last time. Beyond it R carries the curve on.
    asked <- unique(c(last / 2, fit$time[(length(fit$time) + 1) %/% 2], last, last * 1.25))
    for (tau in asked[asked > 0]) {
      # R refuses a point before the first time.
      found <- tryCatch(summary(fit, rmean = tau)$table, error = function(e) c(rmean = NA, "se(rmean)" = NA))
      means[[length(means) + 1]] <- data.frame(
        cohort = cohort, group = group, tau = bits(tau), beyond = tau > last, ended = min(fit$surv) == 0,
        estimate = digits(found[["rmean"]]), std_error = digits(found[["se(rmean)"]]))
    }
    fit <- survfit(reversed[mine] ~ 1, conf.type = "log-log", timefix = FALSE)
    median <- summary(fit)$table[c("median", "0.95LCL", "0.95UCL")]
    followed[[length(followed) + 1]] <- data.frame(
      cohort = cohort, group = group, median = digits(median[1]), ci_lower = digits(median[2]),
      ci_upper = digits(median[3]), n_event = sum(fit$n.event), n_censored = sum(fit$n.censor),
      survival = paste(digits(fit$surv), collapse = " "), n_at_risk = paste(fit$n.risk, collapse = " "))
  }
}
write_gz(do.call(rbind, means), "restricted_mean.csv.gz")
write_gz(do.call(rbind, followed), "follow_up.csv.gz")
