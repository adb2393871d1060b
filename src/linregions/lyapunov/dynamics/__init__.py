"""Systems: expressions, polynomials, Taylor models with rigorous remainders, modes, networks."""
