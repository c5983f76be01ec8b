"""How far off an estimate may be, whatever study it is of: ROC analysis by pROC, intervals, and resampling."""
