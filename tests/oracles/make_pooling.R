# What metafor says of the sets of pooling_studies.csv.gz: Q, I squared, tau squared by four methods, limits by two.
# Run after make_pooling_inputs.py. Numbers have 15 significant digits; two runs write the same bytes.
suppressPackageStartupMessages(library(metafor))

argument <- grep("^--file=", commandArgs(FALSE), value = TRUE)
here <- if (length(argument)) dirname(sub("^--file=", "", argument[1])) else "."
at <- function(name) file.path(here, name)
digits <- function(x) ifelse(is.na(x), "", sprintf("%.15g", x))

input <- read.csv(gzfile(at("pooling_studies.csv.gz")))
# The defaults stop when tau squared is right to about 1e-5.
tight <- list(FE = list(), DL = list(), PM = list(tol = 1e-14, maxiter = 10000),
              REML = list(threshold = 1e-12, maxiter = 10000, stepadj = 0.5))
rows <- list()
for (set in unique(input$set)) {
  d <- input[input$set == set, ]
  for (method in names(tight)) {
    for (test in c("z", "knha")) {
      fit <- tryCatch(suppressWarnings(rma(d$estimate, sei = d$std_error, method = method, test = test,
                                           control = tight[[method]])), error = function(e) NULL)
      if (is.null(fit)) next  # it did not converge
      k <- nrow(d)
      se <- sqrt(1 / sum(1 / (d$std_error^2 + fit$tau2)))
      half <- if (method == "FE" || k < 3) NA else qt(.975, k - 2) * sqrt(fit$tau2 + se^2)
      rows[[length(rows) + 1]] <- data.frame(
        set = set, method = method, test = test, estimate = digits(fit$beta[1]), ci_lower = digits(fit$ci.lb),
        ci_upper = digits(fit$ci.ub), p_value = digits(fit$pval), q = digits(fit$QE), q_p = digits(fit$QEp),
        tau2 = digits(fit$tau2), prediction_lower = digits(fit$beta[1] - half),
        prediction_upper = digits(fit$beta[1] + half), weight_first = digits(weights(fit)[1] / 100),
        log_likelihood = digits(fit$fit.stats["ll", "REML"]))
    }
  }
}
connection <- gzfile(at("pooling.csv.gz"), "wb")
write.csv(do.call(rbind, rows), connection, row.names = FALSE, quote = FALSE, eol = "\n")
close(connection)
writeLines(c(R.version.string, paste("metafor", packageVersion("metafor"))), at("pooling_sessionInfo.txt"))
