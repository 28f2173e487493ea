# Cox models of R's survival on the two-group cohorts: three tie rules, strata, late entries, robust and clustered
# variance, cox.zph with four transforms. Run after make_regression_inputs.py. Two runs write the same bytes.
suppressPackageStartupMessages(library(survival))

argument <- grep("^--file=", commandArgs(FALSE), value = TRUE)
here <- if (length(argument)) dirname(sub("^--file=", "", argument[1])) else "."
at <- function(name) file.path(here, name)
digits <- function(x) ifelse(is.na(x), "", sprintf("%.15g", x))

data <- read.csv(gzfile(at("regression_cohorts.csv.gz")), colClasses = c(time = "character", entry = "character"))
data$time <- as.numeric(data$time)
data$entry <- as.numeric(data$entry)
data$id <- seq_len(nrow(data))

control <- suppressWarnings(coxph.control(eps = 1e-14, iter.max = 100))  # it would like toler.chol below eps
TRANSFORMS <- c("km", "rank", "identity", "log")

# A fit and whether R warned while it was made.
quietly <- function(expression) {
  warned <- FALSE
  value <- withCallingHandlers(
    tryCatch(expression, error = function(e) NULL),
    warning = function(w) { warned <<- TRUE; invokeRestart("muffleWarning") })
  list(value = value, warned = warned)
}

rows <- list()
for (cohort in unique(data$cohort)) {
  d <- data[data$cohort == cohort, ]
  left <- if (d$kind[1] == "delayed_entry") "Surv(entry, time, event)" else "Surv(time, event)"
  right <- if (d$kind[1] == "strata") "group + x + strata(stratum)" else "group + x"
  formula <- as.formula(paste(left, "~", right))
  for (ties in c("efron", "breslow", "exact")) {
    made <- quietly(coxph(formula, d, ties = ties, control = control))
    fit <- made$value
    row <- data.frame(cohort = cohort, kind = d$kind[1], ties = ties, warned = made$warned)
    numbers <- rep(NA, 9)
    if (!is.null(fit) && sum(d$event) > 0) {
      numbers <- c(coef(fit), sqrt(diag(fit$var)), fit$var[1, 2], fit$loglik, fit$score, fit$wald.test)
    }
    names(numbers) <- c("coef_1", "coef_2", "se_1", "se_2", "covariance", "null", "fitted", "score", "wald")
    for (name in names(numbers)) row[[name]] <- digits(numbers[[name]])
    for (kind in c("robust", "cluster")) {
      se <- c(NA, NA)
      if (ties != "exact" && sum(d$event) > 0) {
        again <- quietly(if (kind == "robust") coxph(formula, d, ties = ties, control = control, cluster = id)
                         else coxph(formula, d, ties = ties, control = control, cluster = cluster))$value
        if (!is.null(again)) se <- sqrt(diag(again$var))
      }
      row[[paste0(kind, "_1")]] <- digits(se[1])
      row[[paste0(kind, "_2")]] <- digits(se[2])
    }
    for (transform in TRANSFORMS) {
      tested <- if (is.null(fit) || sum(d$event) == 0) NULL else quietly(cox.zph(fit, transform = transform))$value
      table <- if (is.null(tested)) matrix(NA, 3, 3) else tested$table
      row[[transform]] <- paste(digits(table[, 1]), collapse = " ")
    }
    rows[[length(rows) + 1]] <- row
  }
}
connection <- gzfile(at("regression.csv.gz"), "wb")
write.csv(do.call(rbind, rows), connection, row.names = FALSE, quote = FALSE, eol = "\n")
close(connection)
writeLines(c(R.version.string, paste("platform", R.version$platform), paste("survival", packageVersion("survival"))),
           at("regression_sessionInfo.txt"))
