"""What exists here: one folder per team and model, and the location that loads them."""
