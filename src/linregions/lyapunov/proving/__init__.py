"""Signs of polynomials on simplices: Bernstein forms, bisection, trees of proofs."""
