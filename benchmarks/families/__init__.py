"""Random tiny classifiers of every family, compared with torch."""
