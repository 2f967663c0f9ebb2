type Props = {
  claims: Record<string, unknown>;
  caption: string;
  /** Marks the table, and each value as `claim-<name>`, for browser tests. */
  testId?: string;
};

export default function Claims({ claims, caption, testId }: Props) {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table data-testid={testId}>
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Claim</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(claims).map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td data-testid={testId && `claim-${name}`}>
                {typeof value === 'string' ? value : JSON.stringify(value)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
