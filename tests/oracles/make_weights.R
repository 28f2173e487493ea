# What R says of patients counted by weights: curves by survfit(weights = ), and by survdiff, which has no weights, of
# the repeated rows. Run after make_weights_inputs.py. Numbers have 15 significant digits; two runs write the same bytes.
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

input <- read.csv(gzfile(at("weights_cohorts.csv.gz")), colClasses = c(time = "character", entry = "character"))
input$time <- as.numeric(input$time)
input$entry <- as.numeric(input$entry)
input <- input[input$weight > 0, ]  # a row of weight 0 stands for nobody

curves <- list(); summaries <- list()
for (cohort in unique(input$cohort)) {
  d <- input[input$cohort == cohort, ]
  late <- d$kind[1] == "late entries"
  y <- aeqSurv(if (late) Surv(d$entry, d$time, d$event) else Surv(d$time, d$event))
  repeated <- d[rep(seq_len(nrow(d)), d$weight), ]
  for (group in 0:1) {
    mine <- d$group == group
    fit <- survfit(y[mine] ~ 1, weights = d$weight[mine], conf.type = "log-log", timefix = FALSE)
    curves[[length(curves) + 1]] <- data.frame(
      cohort = cohort, group = group, time = bits(fit$time), n_at_risk = fit$n.risk, n_event = fit$n.event,
      n_censored = fit$n.censor, survival = digits(fit$surv),
      std_error = digits(summary(fit, censored = TRUE)$std.err), ci_lower = digits(fit$lower),
      ci_upper = digits(fit$upper))
    median <- summary(fit)$table[c("median", "0.95LCL", "0.95UCL")]
    last <- max(fit$time)
    mean <- summary(fit, rmean = last)$table
    test <- if (late) NULL else survdiff(Surv(time, event) ~ group, repeated)
    summaries[[length(summaries) + 1]] <- data.frame(
      cohort = cohort, group = group, median = digits(median[1]), ci_lower = digits(median[2]),
      ci_upper = digits(median[3]), tau = bits(last), rmst = digits(mean[["rmean"]]),
      rmst_error = digits(mean[["se(rmean)"]]), chi_square = if (is.null(test)) "" else digits(test$chisq))
  }
}
write_gz(do.call(rbind, curves), "weights_curves.csv.gz")
write_gz(do.call(rbind, summaries), "weights_summaries.csv.gz")
