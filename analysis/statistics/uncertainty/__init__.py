"""How far off an estimate may be: ROC analysis by pROC, intervals, and resampling; of numbers and patients, whatever their study."""
